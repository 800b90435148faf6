import { expect, test } from 'vitest';

import type { TranscriptItem } from '@/api/runs';

import { PIECE, Records } from './records';

const items = (from: number, count: number, line = 'a line'): TranscriptItem[] =>
  Array.from({ length: count }, (_, n) => ({ number: from + n, at: '2026-11-22T10:00:00Z', stream: 'stdout', line, events: [] }));

test('records are found by their number, and the total is one more than the highest', () => {
  const records = new Records();
  records.add(items(700, 3));
  expect(records.at(701)?.number).toBe(701);
  expect(records.at(5)).toBeUndefined();
  expect(records.total).toBe(703);
});

test('a piece with a hole is missing until it is whole, and the last piece is whole when it ends at the total', () => {
  const records = new Records();
  records.add(items(720, 30));
  expect(records.missing(600, 749)).toEqual([1]);
  expect(records.missing(0, 749)).toEqual([0, 1]);
  records.add(items(500, 250));
  expect(records.missing(500, 749)).toEqual([]);
  records.add(items(750, 1));
  expect(records.missing(500, 800)).toEqual([]);
});

test('a record that comes twice counts once', () => {
  const records = new Records();
  records.add(items(0, 10));
  records.add(items(5, 10));
  expect(records.stretches()).toEqual([[0, 14]]);
  expect(records.missing(0, 14)).toEqual([]);
});

test('stretches go over the borders of pieces, and end at holes', () => {
  const records = new Records();
  records.add(items(PIECE - 5, 10));
  records.add(items(3 * PIECE, 2));
  expect(records.stretches()).toEqual([
    [PIECE - 5, PIECE + 4],
    [3 * PIECE, 3 * PIECE + 1],
  ]);
});

test('of a hundred thousand records only those near what is looked at stay in memory', () => {
  const records = new Records();
  for (let from = 0; from < 100_000; from += PIECE) {
    records.add(items(from, PIECE));
    records.keepNear(50_000);
  }
  const kept = records.stretches().reduce((sum, [first, last]) => sum + last - first + 1, 0);
  expect(kept).toBeLessThanOrEqual(16 * PIECE);
  expect(records.at(50_000)).toBeDefined();
  expect(records.at(0)).toBeUndefined();
  expect(records.total).toBe(100_000);
});

test('long lines make the window smaller', () => {
  const records = new Records();
  for (let from = 0; from < 10 * PIECE; from += PIECE) {
    records.add(items(from, PIECE, 'x'.repeat(20_000)));
    records.keepNear(0);
  }
  expect(records.stretches()).toEqual([[0, 2 * PIECE - 1]]);
});
