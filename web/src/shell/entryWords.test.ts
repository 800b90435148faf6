import { describe, expect, it } from 'vitest';

import { ApiProblem } from '@/api/problem';

import { refusedEntry } from './entryWords';

const refused = new ApiProblem({ status: 401, title: 'Not signed in', detail: 'That is not a token that is known here.', hint: 'send Authorization: Bearer' });

describe('a refused sign-in', () => {
  it('is called by what was tried, without hints for programs', () => {
    expect((['link', 'token', 'password'] as const).map((way) => refusedEntry(refused, way).title)).toEqual(['That link was used or is too old', 'Wrong token', 'Wrong name or password']);
    expect(refusedEntry(refused, 'token').hint).toBeNull();
  });
  it('that the daemon did not refuse so keeps its own words', () => {
    const busy = new ApiProblem({ status: 429, title: 'Too many tries', detail: 'Wait a minute.' });
    expect(refusedEntry(busy, 'password')).toBe(busy);
  });
});
