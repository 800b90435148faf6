import { describe, expect, it } from 'vitest';

import type { AssignmentDetail } from '@/api/types';

import { answersTo } from './answers';

const need = (kind: 'blocked' | 'guarded_change' | 'secret' | 'dead_letter' | 'budget' | 'breaker', more = {}) => ({ kind, job_id: 'job_1', assignment_id: 'asg_1', action: null, ...more });
const blocked = (job: string, status = 'blocked') => ({ status, jobs: [{ id: 'job_1', position: 1, status: job }] }) as unknown as AssignmentDetail;

describe('what can be done from the inbox', () => {
  it('is what the assignment’s page offers', () => {
    expect(answersTo(need('guarded_change'), undefined)).toEqual(['approve', 'edit', 'output']);
    for (const kind of ['secret', 'dead_letter'] as const) expect(answersTo(need(kind), undefined)).toEqual(['retry', 'edit', 'output']);
    expect(answersTo(need('budget'), undefined)).toEqual(['budget']);
    expect(answersTo(need('breaker', { job_id: null, assignment_id: null }), undefined)).toEqual([]);
  });
  it('is another try only where a job failed; else it goes on when somebody has done their part', () => {
    for (const job of ['failed', 'dead']) expect(answersTo(need('blocked'), blocked(job))).toEqual(['retry', 'edit', 'output']);
    for (const job of ['succeeded', 'queued']) expect(answersTo(need('blocked'), blocked(job))).toEqual(['go on', 'output']);
    expect(answersTo(need('blocked', { job_id: null }), { status: 'blocked', jobs: [] })).toEqual(['go on']);
  });
  it('is neither for work that waits, nor while it is not known', () => {
    expect(answersTo(need('blocked'), blocked('queued', 'active'))).toEqual(['output']);
    expect(answersTo(need('blocked'), undefined)).toEqual(['output']);
  });
  it('is another budget where the words ask for one', () => {
    const action = 'raise it (`windlass update-assignment ID` with a --budget flag or --no-budget)';
    expect(answersTo(need('blocked', { action }), blocked('failed'))[0]).toBe('budget');
  });
});
