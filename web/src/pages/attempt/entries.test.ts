import { expect, test } from 'vitest';

import type { TranscriptItem } from '@/api/runs';

import { entriesOf, isTool, isTrouble, wordsOf } from './entries';

let second = 0;
const item = (number: number, ...events: TranscriptItem['events']): TranscriptItem => ({
  number,
  at: new Date(Date.UTC(2026, 10, 22, 10, 0, (second = number))).toISOString(),
  stream: 'stdout',
  line: `{"line":${number}}`,
  events,
});
const started = (id: string, input: unknown = { command: 'npm test' }) => ({ kind: 'tool_started' as const, id, name: 'Bash', input });
const ended = (id: string, output = 'ok', is_error = false) => ({ kind: 'tool_ended' as const, id, output, is_error });
const text = (words: string, delta = false) => ({ kind: 'text' as const, text: words, delta });

test('a call and its result are one entry, with how long it took, where the call was', () => {
  const entries = entriesOf([item(0, started('1')), item(3, ended('1', '2 tests failed', true))]);
  expect([...entries.keys()]).toEqual([0]);
  expect(entries.get(0)![0]).toMatchObject({ is: 'tool', name: 'Bash', summary: 'npm test', output: '2 tests failed', ok: false, took: 3_000, endsAt: 3 });
  expect(second).toBe(3);
});

test('calls that are named alike in another round are others', () => {
  const entries = entriesOf([item(0, started('1')), item(1, ended('1', 'first')), item(2, started('1')), item(3, ended('1', 'second'))]);
  expect([entries.get(0), entries.get(2)].map((here) => (here![0] as { output: string }).output)).toEqual(['first', 'second']);
});

test('a result whose call is not there stands for itself', () => {
  expect(entriesOf([item(9, ended('7', 'late'))]).get(9)).toEqual([{ is: 'result', output: 'late', ok: true }]);
});

test('a text that comes in pieces is one text', () => {
  const entries = entriesOf([item(0, text('The te', true)), item(1, text('sts ', true)), item(2, text('pass.', true)), item(3, started('1')), item(4, text('Now', true))]);
  expect(entries.get(0)).toEqual([{ is: 'text', text: 'The tests pass.' }]);
  expect(entries.has(1)).toBe(false);
  expect(entries.get(4)).toEqual([{ is: 'text', text: 'Now' }]);
});

test('the last word is not said twice', () => {
  const end = (words: string, ok = true) => item(1, { kind: 'ended', end: { ok, text: words, denials: 0 } });
  expect(entriesOf([item(0, text('All done.')), end('All done.')]).get(1)).toEqual([{ is: 'end', ok: true, text: '' }]);
  expect(entriesOf([item(0, text('All done.')), end('out of credit', false)]).get(1)).toEqual([{ is: 'end', ok: false, text: 'out of credit' }]);
});

test('what programs print, and what Windlass remarks, is shown as lines; what nobody reads is not', () => {
  const entries = entriesOf([
    { ...item(0, { kind: 'unknown', what: 'not_json' }), line: '\u001b[31mFAIL\u001b[0m cart.test.ts' },
    item(1, { kind: 'unknown', what: 'rate_limit_event' }),
    { ...item(2), stream: 'stderr', line: 'a warning' },
    { ...item(3), stream: 'windlass', line: '17 bytes of the line above are left out' },
  ]);
  expect(entries.get(0)).toEqual([{ is: 'line', from: 'stdout', text: 'FAIL cart.test.ts' }]);
  expect(entries.has(1)).toBe(false);
  expect(entries.get(2)).toMatchObject([{ from: 'stderr' }]);
  expect(entries.get(3)).toMatchObject([{ from: 'windlass' }]);
});

test('what a tool was asked is said by what says most of it', () => {
  const summary = (input: unknown) => (entriesOf([item(0, started('1', input))]).get(0)![0] as { summary: string }).summary;
  expect(summary({ file_path: 'src/a.ts', content: 'x' })).toBe('src/a.ts');
  expect(summary({ command: ['bash', '-lc', 'ls\n-la'] })).toBe('bash -lc ls -la');
  expect(summary('plain')).toBe('plain');
  expect(summary(null)).toBe('');
  expect(summary({ odd: 1 })).toBe('{ "odd": 1 }');
});

test('errors and tools are told by the record', () => {
  expect(isTrouble(item(0, ended('1', '', true)))).toBe(true);
  expect(isTrouble(item(0, text('error: step 1000 failed')))).toBe(true);
  expect(isTrouble(item(0, text('\u001b[31merror\u001b[0m: red')))).toBe(true);
  expect(isTrouble(item(0, text('no errors were found')))).toBe(false);
  expect(isTool(item(0, started('1')))).toBe(true);
  expect(isTool(item(0, ended('1')))).toBe(false);
});

test('words are found in what is shown, without terminal sequences', () => {
  expect(wordsOf(item(0, started('1', { command: 'npm run build' })))).toContain('npm run build');
  expect(wordsOf(item(0, text('a \u001b[1mbold\u001b[0m word')))).toBe('a bold word');
  expect(wordsOf({ ...item(0), stream: 'stderr', line: 'oh' })).toBe('oh');
});
