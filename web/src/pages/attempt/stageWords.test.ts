import { expect, test } from 'vitest';

import type { StageRecord } from '@/api/runs';

import { stageHint, stageOutput, stageSummary } from './stageWords';

const record = (stage: StageRecord['stage'], detail: unknown, status: StageRecord['status'] = 'passed'): StageRecord => ({
  attempt_id: 'att_1',
  number: 1,
  stage,
  iteration: 1,
  status,
  started_at: '2026-11-22T10:00:00Z',
  detail,
});

test('each stage says what came of it', () => {
  expect(stageSummary(record('prepare', { branch: 'windlass/x', base: 'main' }))).toBe('windlass/x from main');
  expect(stageSummary(record('run', { usage: { tokens: 1_280 }, exit_code: 0 }))).toBe('1,280 tokens');
  expect(stageSummary(record('verify', { summary: 'the check `x` passed' }))).toBe('the check `x` passed');
  expect(stageSummary(record('verify', { command: 'npx x', exit_code: 127 }, 'failed'))).toBe('npx x ended with exit code 127');
  expect(stageSummary(record('scan', { files: 4, commits: 1, bytes: 9 }))).toBe('4 files of 1 commit looked through');
  expect(stageSummary(record('scan', { counts: {}, findings: [{}, {}] }, 'failed'))).toBe('2 places look like secrets');
  expect(stageSummary(record('commit', { commit: 'a'.repeat(40), file_count: 1 }))).toBe('aaaaaaaaaa, 1 file');
  expect(stageSummary(record('push', { ref: 'refs/heads/windlass/x', already: false }))).toBe('windlass/x');
  expect(stageSummary(record('propose', { why: 'no pull request is wanted' }, 'skipped'))).toBe('no pull request is wanted');
});

test('a failure says what happened and what to do', () => {
  const failed = record('commit', { failure: { kind: 'guarded_change', message: 'it changes ci.yml', hint: 'approve it' }, guarded: ['ci.yml'] }, 'failed');
  expect(stageSummary(failed)).toBe('It changes ci.yml');
  expect(stageHint(failed)).toBe('Approve it');
  expect(stageOutput(failed)).toEqual({ label: 'Files', text: 'ci.yml' });
});

test('output is clean text, and files that are left out are counted', () => {
  expect(stageOutput(record('verify', { output: '\u001b[31mred\u001b[0m\n' }))).toEqual({ label: 'Output', text: 'red\n' });
  expect(stageOutput(record('commit', { files: ['a', 'b'], file_count: 5 }))?.text).toBe('a\nb\n… and 3 more');
  expect(stageOutput(record('push', { ref: 'x' }))).toBeNull();
});

test('a detail of any shape is survived', () => {
  for (const detail of [null, 3, 'x', [], { output: 5, failure: 'x', usage: null, findings: 'y', files: [1, null] }]) {
    for (const stage of ['prepare', 'run', 'verify', 'scan', 'commit', 'push', 'propose', 'clash', 'prompt'] as const) {
      stageSummary(record(stage, detail));
      stageOutput(record(stage, detail));
      stageHint(record(stage, detail));
    }
  }
});
