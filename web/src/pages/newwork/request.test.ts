import { describe, expect, it } from 'vitest';

import { emptyGoal, OTHER_REPOSITORY, problemsOf, requestOf } from './request';

const form = { ...emptyGoal('shop'), goal: ' Make it pass ' };

describe('new work', () => {
  it('sends only what was said', () => {
    expect(requestOf(form, 'k')).toEqual({ goal: 'Make it pass', project: 'shop', source: 'page', key: 'k' });
  });
  it('says every choice in the words of the API', () => {
    const whole = requestOf(
      { ...form, review: false, propose: true, type: 'plan', priority: '2', timeout: '30m', locks: 'src/, docs/', harness: 'command', program: './agent', budget: { ...form.budget, dollars: '2.5' } },
      'k',
    );
    expect(whole).toMatchObject({
      no_review: true, propose: true, type: 'plan', priority: 2, timeout_secs: 1_800, locks: ['src/', 'docs/'], program: './agent', budget: { cost_micros: 2_500_000 },
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
    expect(problemsOf({ ...form, timeout: 'soon', budget: { ...form.budget, runs: '0' } })).toMatchObject({ timeout: 'a time like 30m', budget: 'see the fields' });
  });
  it('a program of an agent that was chosen before is not sent with another', () => {
    expect(requestOf({ ...form, harness: 'claude', program: './agent' }, 'k')).not.toHaveProperty('program');
  });
});
