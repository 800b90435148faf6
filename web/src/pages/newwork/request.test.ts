import { describe, expect, it } from 'vitest';

import { NEW_JOB } from '@/parts/jobSpec';

import { createOf, emptyGoal, isOwnLine, OTHER_REPOSITORY, problemsOf, requestOf } from './request';

const form = { ...emptyGoal('shop'), goal: ' Make it pass ' };

describe('new work', () => {
  it('sends only what was said', () => {
    expect(requestOf(form, 'k')).toEqual({ goal: 'Make it pass', project: 'shop', source: 'page', key: 'k' });
  });
  it('says every choice in the words of the API', () => {
    const whole = requestOf(
      {
        ...form, review: false, propose: true, priority: '2', locks: 'src/, docs/', harness: 'command', program: './agent', agents: 'review = codex', budget: { ...form.budget, dollars: '2.5' },
        job: { ...NEW_JOB, type: 'plan', model: 'a-model', worker: 'big', timeout: '30m', idleTimeout: '5m', retries: '1' },
      },
      'k',
    );
    expect(whole).toMatchObject({
      no_review: true, propose: true, type: 'plan', priority: 2, timeout_secs: 1_800, locks: ['src/', 'docs/'], harness: 'command', program: './agent', budget: { cost_micros: 2_500_000 },
      harness_defaults: { review: 'codex' }, model: 'a-model', worker: 'big', idle_timeout_secs: 300, max_retries: 1,
    });
  });
  it('another repository goes by its path or address, not as a project', () => {
    expect(requestOf({ ...form, project: OTHER_REPOSITORY, repo: '/srv/shop' }, 'k')).toMatchObject({ repo: '/srv/shop' });
    expect(requestOf({ ...form, project: OTHER_REPOSITORY, repo: '/srv/shop' }, 'k')).not.toHaveProperty('project');
    for (const repo of ['/srv/shop', 'https://host.example/a/b', 'git@host.example:a/b']) expect(problemsOf({ ...form, project: OTHER_REPOSITORY, repo })).toEqual({});
    expect(problemsOf({ ...form, project: OTHER_REPOSITORY, repo: 'shop' })).toHaveProperty('repo');
  });
  it('says what is missing', () => {
    expect(Object.keys(problemsOf(emptyGoal(undefined)))).toEqual(['goal', 'project']);
    expect(problemsOf({ ...form, harness: 'command' })).toHaveProperty('program');
    expect(problemsOf({ ...form, job: { ...NEW_JOB, timeout: 'soon' }, budget: { ...form.budget, runs: '0' } })).toMatchObject({ job: 'see the fields', budget: 'see the fields' });
  });
  it('a program of an agent that was chosen before is not sent with another', () => {
    expect(requestOf({ ...form, harness: 'claude', program: './agent' }, 'k')).not.toHaveProperty('program');
  });
});

describe('new work with a line of its own', () => {
  it('is what begins with no job, or several, or says what follows a failure', () => {
    expect(isOwnLine(form)).toBe(false);
    for (const part of [{ line: 'none' }, { line: 'several' }, { reviewFailures: true }, { inserted: '0' }] as const) expect(isOwnLine({ ...form, ...part })).toBe(true);
  });
  it('has no job where none is wanted, and only what was said', () => {
    expect(createOf({ ...form, line: 'none' }, 'k')).toEqual({
      north_star: 'Make it pass', project: 'shop', source: 'page', policy: { review: true, harness_defaults: {} }, jobs: [], key: 'k',
    });
  });
  it('has its jobs in order, each with what was said of it', () => {
    const jobs = [{ ...NEW_JOB, type: 'plan' as const }, { ...NEW_JOB, context: 'Do it', harness: 'codex' as const, budget: { ...form.budget, runs: '2' } }];
    expect(createOf({ ...form, line: 'several', jobs }, 'k').jobs).toEqual([{ type: 'plan' }, { type: 'implement', context: 'Do it', harness: 'codex', budget: { runs: 2 } }]);
    expect(problemsOf({ ...form, line: 'several', jobs: [{ ...NEW_JOB, timeout: 'soon' }] })).toEqual({ jobs: 'see the fields' });
  });
  it('has every rule in its policy', () => {
    const whole = createOf({ ...form, harness: 'claude', agents: 'pm = codex', reviewFailures: true, inserted: '5', verify: 'npm test', iterations: '3', propose: true, locks: 'src/', job: { ...NEW_JOB, model: 'a-model' } }, 'k');
    expect(whole.policy).toEqual({
      review: true, on_failure: 'review', max_inserted_jobs: 5, harness_defaults: { default: 'claude', pm: 'codex' }, verify: 'npm test', max_iterations: 3, propose: true, locks: ['src/'],
    });
    expect(whole.jobs).toEqual([{ type: 'implement', model: 'a-model' }]);
  });
  it('a program judges nothing unless an agent for that is named', () => {
    const alone = { ...form, line: 'none' as const, harness: 'command' as const, program: './agent' };
    expect(createOf(alone, 'k').policy).toMatchObject({ review: false, program: './agent' });
    expect(createOf({ ...alone, agents: 'pm = claude' }, 'k').policy).toMatchObject({ review: true });
    expect(problemsOf({ ...alone, reviewFailures: true })).toHaveProperty('agents');
  });
  it('other agents are told by types and agents that there are', () => {
    expect(problemsOf({ ...form, agents: 'review = codex\nuat = gemini' })).toEqual({});
    for (const agents of ['review', 'review = nobody', 'default = claude']) expect(problemsOf({ ...form, agents })).toHaveProperty('agents');
  });
});
