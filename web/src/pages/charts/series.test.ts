import { describe, expect, it } from 'vitest';

import { endedInWords, filled, marks, rangeOf, shareOf, timeMarks, wholeMarks } from './series';

const NOW = Date.parse('2026-11-22T12:34:56Z');
const row = (at: string, succeeded: number, failed = 0) => ({ at, succeeded, failed, dead: 0, cancelled: 0 });

describe('the figures of the charts', () => {
  it('a span is whole days, today included', () => {
    const { since, until, starts, bucket } = rangeOf('7d', NOW);
    expect([since, until, starts.length, bucket]).toEqual(['2026-11-16T00:00:00.000Z', '2026-11-23T00:00:00.000Z', 7, 'day']);
    expect(rangeOf('24h', NOW).starts).toHaveLength(24);
  });
  it('days without anything are there, empty', () => {
    const days = filled([row('2026-11-17T00:00:00Z', 3)], rangeOf('7d', NOW).starts);
    expect(days.map((day) => day.row?.succeeded ?? null)).toEqual([null, 3, null, null, null, null, null]);
  });
  it('a moment within a day belongs to it', () => {
    expect(filled([row('2026-11-17T09:30:00Z', 3)], rangeOf('7d', NOW).starts)[1]!.row?.succeeded).toBe(3);
  });
  it('what ended is told in words', () => {
    expect(endedInWords([])).toBe('No job ended.');
    expect(endedInWords([row('', 1)])).toBe('1 job ended: 1 succeeded.');
    expect(endedInWords([row('', 9, 2), row('', 0, 1)])).toBe('12 jobs ended: 9 succeeded, 3 failed.');
  });
  it('shares are of all, not of the greatest', () => {
    expect([shareOf(3, 4), shareOf(1, 4), shareOf(0, 0)]).toEqual([0.75, 0.25, 0]);
  });
  it('axes have few, round marks that reach the highest value', () => {
    expect(marks(9)).toEqual([0, 5, 10]);
    expect(marks(0.37)).toEqual([0, 0.1, 0.2, 0.3, 0.4]);
    expect(wholeMarks(1)).toEqual([0, 1]);
    expect(wholeMarks(37)).toEqual([0, 10, 20, 30, 40]);
    expect(timeMarks(200)).toEqual([0, 60, 120, 180, 240]);
    expect(timeMarks(5_000)).toEqual([0, 1_800, 3_600, 5_400]);
    for (const highest of [0, 1e-9, 3, 1e12]) expect(marks(highest).length).toBeLessThan(8);
    expect(timeMarks(1e9).length).toBeLessThan(8);
  });
});
