import { describe, expect, it } from 'vitest';

import { editOf, editProblems, formOf, harnessOf, type JobBefore } from './jobEdit';

const before: JobBefore = {
  spec: { type: 'implement', context: 'Mind the gifts.', model: 'a-model', timeout_secs: 600 },
  harness: null,
  assignment: { north_star: 'Make it pass', policy: { harness_defaults: { default: 'command' }, program: './agent' } },
};
const form = formOf(before);

describe('what is changed of a job before it runs again', () => {
  it('is nothing until somebody changes something', () => {
    expect(editOf(form, before)).toEqual({});
    expect(editProblems(form)).toEqual({});
  });
  it('is just what was changed', () => {
    expect(editOf({ ...form, context: '', model: 'another', timeout: '30m' }, before)).toEqual({ context: '', model: 'another', timeout_secs: 1_800 });
    expect(editOf({ ...form, northStar: 'Make it pass on Node 22' }, before)).toEqual({ north_star: 'Make it pass on Node 22' });
  });
  it('has a program only for an agent that is one', () => {
    expect(harnessOf(form, before)).toBe('command');
    expect(editOf({ ...form, program: './other' }, before)).toEqual({ program: './other' });
    expect(editOf({ ...form, harness: 'claude', program: './other' }, before)).toEqual({ harness: 'claude' });
    expect(editProblems({ ...form, harness: 'command', program: '' })).toHaveProperty('program');
  });
  it('cannot be without what is wanted, or with a time that is none', () => {
    expect(Object.keys(editProblems({ ...form, northStar: ' ', timeout: 'soon' }))).toEqual(['northStar', 'timeout']);
  });
});
