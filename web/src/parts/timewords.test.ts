import { describe, expect, it } from 'vitest';

import { absolute, clockTime, day, relative, shortSpan, span } from './timewords';

const NOW = new Date(2026, 10, 22, 12, 0, 0).getTime();
const S = 1_000;
const MIN = 60 * S;
const H = 60 * MIN;
const D = 24 * H;

describe('times in words', () => {
  it.each([
    [450, '450 ms'],
    [8 * S, '8 s'],
    [200 * S, '3 min 20 s'],
    [3 * MIN, '3 min'],
    [2 * H + 5 * MIN, '2 h 5 min'],
    [3 * D + 4 * H, '3 d 4 h'],
    [-5, '0 s'],
    [Number.NaN, '0 s'],
  ])('a span of %d ms is %s', (ms, words) => expect(span(ms)).toBe(words));

  it.each([
    [400, '0 s'],
    [59 * S, '59 s'],
    [119 * S, '1 min'],
    [25 * H, '1 d'],
  ])('in one unit, a span of %d ms is %s', (ms, words) => expect(shortSpan(ms)).toBe(words));

  it.each([
    [0, 'now'],
    [-4 * S, 'now'],
    [40 * S, '40 s ago'],
    [5 * MIN, '5 min ago'],
    [-3 * H, 'in 3 h'],
    [12 * D, '12 d ago'],
    [40 * D, '13 Oct'],
    [400 * D, '18 Oct 2025'],
  ])('%d ms before now is %s', (ago, words) => expect(relative(NOW - ago, NOW)).toBe(words));

  it.each([
    [3 * D - S, 'in 3 d'],
    [D - S, 'in 1 d'],
    [H - 100, 'in 1 h'],
    [90 * MIN, 'in 2 h'],
    [179 * S, 'in 3 min'],
    [45 * S, 'in 45 s'],
  ])('%d ms after now is rounded: %s', (ahead, words) => expect(relative(NOW + ahead, NOW)).toBe(words));

  it.each([
    [H, 'Today'],
    [13 * H, 'Yesterday'],
    [2 * D, 'Friday 20 Nov'],
    [7 * D, '15 Nov'],
    [-13 * H, '23 Nov'],
  ])('the day of %d ms before now is %s', (ago, words) => expect(day(NOW - ago, NOW)).toBe(words));

  it('names the end of a wait by the time of day, with the day when it is another one', () => {
    expect(clockTime(NOW + 2 * H, NOW)).toBe('14:00');
    expect(clockTime(NOW + D, NOW)).toBe('23 Nov, 12:00');
  });

  it('names the whole moment', () => {
    expect(absolute(NOW)).toBe('Sunday 22 Nov 2026, 12:00:00');
  });
});
