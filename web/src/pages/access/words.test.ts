import { expect, it } from 'vitest';

import { isName, stateOf, whoseSignIn } from './words';

it('a token is worth something until it is revoked or its time is over', () => {
  const now = Date.parse('2026-11-22T12:00:00Z');
  expect(stateOf({ revoked_at: null, expires_at: null }, now)).toBe('active');
  expect(stateOf({ revoked_at: null, expires_at: '2026-11-22T12:00:01Z' }, now)).toBe('active');
  expect(stateOf({ revoked_at: null, expires_at: '2026-11-22T12:00:00Z' }, now)).toBe('expired');
  expect(stateOf({ revoked_at: '2026-11-01T00:00:00Z', expires_at: '2027-01-01T00:00:00Z' }, now)).toBe('revoked');
});

it('names are what the daemon takes', () => {
  expect(['nightly-build', 'a.b_c', ' ada '].map(isName)).toEqual([true, true, true]);
  expect(['', '-a', 'a b', 'ä', 'x'.repeat(129)].map(isName)).toEqual(Array(5).fill(false));
});

it('a sign-in is a person\'s or the owner\'s, and says whether it is this browser\'s', () => {
  expect(whoseSignIn({ user: 'ada', current: false })).toBe('ada');
  expect(whoseSignIn({ user: null, current: false })).toBe('the owner');
  expect(whoseSignIn({ user: 'ada', current: true })).toBe('ada (this browser)');
  expect(whoseSignIn({ user: 'a\u202Eda\n', current: false })).not.toMatch(/[\u202E\n]/);
});
