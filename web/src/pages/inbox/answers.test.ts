import { describe, expect, it } from 'vitest';

import { answersTo } from './answers';

const need = (kind: 'blocked' | 'guarded_change' | 'secret' | 'dead_letter' | 'budget' | 'breaker', more = {}) => ({ kind, job_id: 'job_1', assignment_id: 'asg_1', action: null, ...more });

describe('what can be done from the inbox', () => {
  it('is what the assignment’s page offers', () => {
    expect(answersTo(need('guarded_change'))).toEqual(['approve', 'edit', 'output']);
    for (const kind of ['blocked', 'secret', 'dead_letter'] as const) expect(answersTo(need(kind))).toEqual(['retry', 'edit', 'output']);
    expect(answersTo(need('blocked', { job_id: null }))).toEqual(['go on']);
    expect(answersTo(need('budget'))).toEqual(['budget']);
    expect(answersTo(need('breaker', { job_id: null, assignment_id: null }))).toEqual([]);
  });
  it('is another budget where the words ask for one', () => {
    expect(answersTo(need('blocked', { action: 'raise it (`windlass update-assignment ID` with a --budget flag or --no-budget)' }))[0]).toBe('budget');
  });
});
