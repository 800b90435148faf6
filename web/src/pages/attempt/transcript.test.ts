import { expect, test } from 'vitest';

import { ApiProblem } from '@/api/problem';
import type { TranscriptItem, TranscriptPage } from '@/api/runs';

import { isTrouble } from './entries';
import { Transcript, type TranscriptParts } from './transcript';

const item = (number: number): TranscriptItem => ({
  number,
  at: '2026-11-22T10:00:00Z',
  stream: 'stdout',
  line: `line ${number}`,
  events: [{ kind: 'text', text: number % 1_000 === 999 ? `error at ${number}` : `line ${number}` }],
});

/** A daemon with a transcript of so many records; `grow` adds some. */
function daemon(count: number, { tail = true, ended = true } = {}) {
  const asked: string[] = [];
  let waiting: (() => void) | null = null;
  const it = { count, ended, asked, grow: (by: number) => ((it.count += by), waiting?.()), end: () => ((it.ended = true), waiting?.()) };
  const page = (from: number): TranscriptPage => {
    const until = Math.min(it.count, from + 500);
    const items = Array.from({ length: Math.max(0, until - from) }, (_, n) => item(from + n));
    return { attempt_id: 'att', items, next: Math.max(from, until), ended: it.ended && until === it.count };
  };
  const parts: Omit<TranscriptParts, 'onChange'> = {
    tail: async () => {
      asked.push('tail');
      if (!tail) throw new ApiProblem({ status: 400, title: 'No', detail: 'unknown field `tail`' });
      return page(Math.max(0, it.count - 500));
    },
    from: async (number, wait) => {
      asked.push(`${number}${wait ? ' wait' : ''}`);
      if (wait && number >= it.count && !it.ended) await new Promise<void>((go) => (waiting = go));
      return page(number);
    },
    pause: async () => {},
  };
  return { it, parts };
}

/** Opens it, and gives a way to wait until something holds. */
function open(parts: Omit<TranscriptParts, 'onChange'>) {
  let check = () => {};
  const transcript = new Transcript({ ...parts, onChange: () => check() });
  const until = (holds: () => boolean) =>
    new Promise<void>((go) => {
      check = () => holds() && go();
      check();
    });
  return { transcript, until };
}

test('a long transcript is there after one question: its end', async () => {
  const { it, parts } = daemon(50_000);
  const { transcript } = open(parts);
  await transcript.start();
  expect(it.asked).toEqual(['tail']);
  expect(transcript.records.total).toBe(50_000);
  expect(transcript.state).toEqual({ is: 'ended' });
  expect(transcript.records.at(49_999)?.line).toBe('line 49999');
});

test('what is looked at is fetched, piece by piece, and nothing twice', async () => {
  const { it, parts } = daemon(50_000);
  const { transcript, until } = open(parts);
  await transcript.start();
  transcript.look(20_980, 21_020);
  await until(() => transcript.records.missing(20_930, 21_070).length === 0);
  expect(it.asked).toEqual(['tail', '20500', '21000']);
  transcript.look(20_990, 21_030);
  expect(it.asked).toHaveLength(3);
});

test('it grows while the attempt runs, and ends with it', async () => {
  const { it, parts } = daemon(3, { ended: false });
  const { transcript, until } = open(parts);
  const over = transcript.start();
  await until(() => transcript.records.total === 3);
  it.grow(4);
  await until(() => transcript.records.total === 7);
  expect(transcript.state).toEqual({ is: 'growing' });
  it.end();
  await over;
  expect(transcript.state).toEqual({ is: 'ended' });
});

test('a daemon that cannot begin at the end is read from the beginning, in bounded memory', async () => {
  const { parts } = daemon(20_000, { tail: false });
  const { transcript } = open(parts);
  await transcript.start();
  expect(transcript.beganAtEnd).toBe(false);
  expect(transcript.records.total).toBe(20_000);
  expect(transcript.records.at(0)).toBeDefined();
  expect(transcript.records.at(19_999)).toBeUndefined();
});

test('a daemon that is away is asked again, one that refuses is not', async () => {
  const { parts } = daemon(10);
  let tries = 0;
  const away = open({ ...parts, tail: (signal) => (++tries < 3 ? Promise.reject(new TypeError('no')) : parts.tail(signal)) });
  await away.transcript.start();
  expect([tries, away.transcript.records.total]).toEqual([3, 10]);
  const refused = open({ ...parts, tail: () => Promise.reject(new ApiProblem({ status: 404, title: 'Not found', detail: 'elsewhere' })) });
  await refused.transcript.start();
  expect(refused.transcript.state).toMatchObject({ is: 'failed', problem: { status: 404 } });
});

test('the next error is found wherever it is, forwards and backwards, without keeping what was read for it', async () => {
  const { parts } = daemon(50_000);
  const { transcript } = open(parts);
  await transcript.start();
  const { signal } = new AbortController();
  expect(await transcript.seek(30_000, 1, isTrouble, signal)).toBe(30_999);
  expect(await transcript.seek(30_999, 1, isTrouble, signal)).toBe(31_999);
  expect(await transcript.seek(30_000, -1, isTrouble, signal)).toBe(29_999);
  expect(await transcript.seek(500, -1, isTrouble, signal)).toBeNull();
  expect(await transcript.seek(49_999, 1, isTrouble, signal)).toBeNull();
  expect(transcript.records.at(30_999)).toBeUndefined();
});

test('a scan goes over every record once, in order', async () => {
  const { parts } = daemon(1_234);
  const { transcript } = open(parts);
  await transcript.start();
  const numbers: number[] = [];
  for await (const items of transcript.scan(0, 1, new AbortController().signal)) numbers.push(...items.map((one) => one.number));
  expect(numbers).toEqual(Array.from({ length: 1_234 }, (_, n) => n));
});
