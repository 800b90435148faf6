import { expect, it } from 'vitest';

import { isName, stateOf } from './words';

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
