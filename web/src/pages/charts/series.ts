/** The figures of the charts, made ready to be drawn; nothing here draws or asks. */
import type { Charts } from '@/api/types';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

export const SPANS = {
  '24h': { label: 'Last 24 hours', ms: DAY, bucket: 'hour' },
  '7d': { label: 'Last 7 days', ms: 7 * DAY, bucket: 'day' },
  '30d': { label: 'Last 30 days', ms: 30 * DAY, bucket: 'day' },
  '90d': { label: 'Last 90 days', ms: 90 * DAY, bucket: 'day' },
} as const;
export type Span = keyof typeof SPANS;
export const isSpan = (word: unknown): word is Span => typeof word === 'string' && word in SPANS;

/** The whole hours or days (UTC) that a span covers, the present one included. */
export function rangeOf(span: Span, nowMs: number): { since: string; until: string; bucket: 'hour' | 'day'; starts: number[] } {
  const { ms, bucket } = SPANS[span];
  const step = bucket === 'hour' ? HOUR : DAY;
  const end = Math.floor(nowMs / step) * step + step;
  const starts: number[] = [];
  for (let at = end - ms; at < end; at += step) starts.push(at);
  return { since: new Date(end - ms).toISOString(), until: new Date(end).toISOString(), bucket, starts };
}

/** One entry for each hour or day, with what the daemon told of it; it leaves out those in which nothing happened. */
export function filled<Row extends { at: string }>(rows: readonly Row[], starts: readonly number[]): { start: number; row: Row | null }[] {
  const step = (starts[1] ?? 0) - (starts[0] ?? 0) || DAY;
  const byStart = new Map(rows.map((row) => [Math.floor(Date.parse(row.at) / step) * step, row]));
  return starts.map((start) => ({ start, row: byStart.get(start) ?? null }));
}

export type Throughput = Charts['throughput'][number];
export const OUTCOMES = ['succeeded', 'failed', 'dead', 'cancelled'] as const;
export type Outcome = (typeof OUTCOMES)[number];
export const totalOf = (row: Throughput) => OUTCOMES.reduce((sum, outcome) => sum + row[outcome], 0);

/** What is said once of all charts where there is too little in them to compare; null where there is enough. */
export function tooLittle(rows: readonly { at: string }[], bucket: 'hour' | 'day'): string | null {
  const times = new Set(rows.map((row) => row.at)).size;
  if (times > 1) return null;
  return times === 0 ? 'No job ended in this time.' : `Jobs ended in only one ${bucket} of this time, so there is nothing to compare yet.`;
}

/** What part of all it is, from 0 to 1. */
export const shareOf = (part: number, total: number) => (total > 0 ? part / total : 0);

/** What ended, in a sentence: `12 jobs ended: 9 succeeded, 3 failed.` */
export function endedInWords(rows: readonly Throughput[]): string {
  const sums = OUTCOMES.map((outcome) => [outcome, rows.reduce((sum, row) => sum + row[outcome], 0)] as const);
  const total = sums.reduce((sum, [, n]) => sum + n, 0);
  if (total === 0) return 'No job ended.';
  const parts = sums.filter(([, n]) => n > 0).map(([outcome, n]) => `${n} ${outcome}`);
  return `${total === 1 ? '1 job' : `${total} jobs`} ended: ${parts.join(', ')}.`;
}

/** Marks of an axis from 0 to at least the highest value: few, and round. */
export function marks(highest: number, most = 4): number[] {
  if (highest <= 0) return [0, 1];
  const raw = highest / most;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = Math.max([1, 2, 5, 10].map((n) => n * power).find((n) => n >= raw) ?? raw, Number.MIN_VALUE);
  const result = [0];
  while (result.at(-1)! < highest) result.push(Number((result.length * step).toPrecision(12)));
  return result;
}

/** Marks of an axis of counts: whole numbers. */
export const wholeMarks = (highest: number) => [...new Set(marks(Math.max(highest, 1)).map(Math.ceil))];

/** Marks of an axis of seconds: round as clocks are. */
export function timeMarks(highestSecs: number): number[] {
  const steps = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1_800, 3_600, 7_200, 14_400, 28_800, 86_400, 172_800, 604_800];
  const step = steps.find((n) => highestSecs / n <= 4) ?? Math.ceil(highestSecs / 4);
  if (highestSecs < 1) return marks(highestSecs);
  const result = [0];
  while (result.at(-1)! < highestSecs) result.push(result.length * step);
  return result;
}
