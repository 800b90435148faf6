import { describe, expect, it } from 'vitest';

import { completing } from './endWords';

describe('saying that it is complete', () => {
  it('tells what becomes of the jobs that wait', () => {
    expect(completing([{ status: 'succeeded' }]).means).toContain('No job of it waits.');
    expect(completing([{ status: 'queued' }]).means).toContain('The job that waits does not run; opened again, the work goes on with it.');
    expect(completing([{ status: 'queued' }, { status: 'queued' }]).means).toContain('The 2 jobs that wait do not run');
  });
  it('is not for work of which a job runs', () => {
    expect(completing([{ status: 'running' }]).refused).toContain('A job of it runs');
    expect(completing([{ status: 'failed' }]).refused).toBeNull();
  });
});
