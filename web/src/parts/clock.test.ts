import { afterEach, beforeEach, expect, it, vi } from 'vitest';

import { knownNow, noteContact, noteServerTime, serverNow } from './clock';

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-22T12:00:00Z') });
  vi.stubGlobal('document', { visibilityState: 'visible' });
});
afterEach(() => {
  noteContact(null);
  noteServerTime(new Date().toUTCString());
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

it('what is known stands still while the daemon is away, and goes on when it is back', () => {
  expect(knownNow()).toBe(Date.now());
  const lost = Date.now();
  noteContact(lost);
  vi.advanceTimersByTime(60_000);
  expect(knownNow()).toBe(lost);
  expect(serverNow()).toBe(lost + 60_000);
  noteContact(null);
  expect(knownNow()).toBe(lost + 60_000);
});

it('follows the clock of the daemon where that is another', () => {
  noteServerTime(new Date(Date.now() + 3_600_000).toUTCString());
  noteContact(Date.now());
  expect(knownNow()).toBe(Date.now() + 3_600_000);
});
