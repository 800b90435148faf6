import { describe, expect, it } from 'vitest';

import { jobProblems, NEW_JOB, specOf } from './jobSpec';

describe('a job as it is typed', () => {
  it('has its kind, and else only what was said', () => {
    expect(specOf(NEW_JOB)).toEqual({ type: 'implement' });
    expect(
      specOf({ type: 'review', context: ' Look ', harness: 'simulated', program: './left-over', script: '[[turn]]', model: 'a-model', worker: 'big', timeout: '30m', idleTimeout: '90', retries: '0', budget: { ...NEW_JOB.budget, runs: '2' } }),
    ).toEqual({
      type: 'review', context: 'Look', harness: 'simulated', script: '[[turn]]', model: 'a-model', worker: 'big', timeout_secs: 1_800, idle_timeout_secs: 90, max_retries: 0, budget: { runs: 2 },
    });
  });
  it('says what is missing or wrong, by field', () => {
    expect(jobProblems(NEW_JOB)).toEqual({});
    expect(Object.keys(jobProblems({ ...NEW_JOB, harness: 'command', timeout: 'soon', idleTimeout: 'never', retries: '-1', budget: { ...NEW_JOB.budget, dollars: 'few' } }))).toEqual([
      'program', 'timeout', 'idleTimeout', 'retries', 'budget',
    ]);
  });
});
