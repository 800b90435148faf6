import { expect, test } from 'vitest';

import { KINDS } from '@/api/topics';
import type { EventKind, WindlassEvent } from '@/api/types';

import { eventWords } from './eventWords';

const event = (kind: EventKind, data: Record<string, unknown> = {}): WindlassEvent => ({ seq: 1, at: '2026-11-22T10:00:00Z', kind, data });
const said = (kind: EventKind, data: Record<string, unknown> = {}) => {
  const { text, detail } = eventWords(event(kind, data));
  return detail ? `${text} | ${detail}` : text;
};

test('what happens to work reads as sentences', () => {
  expect(said('assignment.created', { source: 'cli', by: 'person' })).toBe('Asked for on the command line');
  expect(said('assignment.created', { source: 'constructor' })).toBe('Asked for, source constructor');
  expect(said('session.activity', { current_tool: { name: 'Bash', summary: 'npm test' } })).toBe('The agent uses Bash | npm test');
  expect(said('session.activity', { last_activity: 'Read cart.ts' })).toBe('The agent is active | Read cart.ts');
  expect(said('job.inserted', { position: 2, type: 'pm', by: 'windlass' })).toBe('Job 2 put in the line: pm | by windlass');
  expect(said('attempt.started', { number: 1, type: 'implement', harness: 'claude' })).toBe('Attempt 1 begins: implement by claude');
  expect(said('attempt.ended', { status: 'failed', failure: { message: '503' }, wall_ms: 1_931, usage: { cost_micros: 30_000 } })).toBe(
    'Attempt failed | 503 · took 1 s · $0.03',
  );
  expect(said('job.status', { status: 'queued', from: 'dead', replayed: true, by: 'ada' })).toBe('Replayed | by ada');
  expect(said('job.status', { status: 'dead', from: 'running', failure: { message: '503' } })).toBe('Job is out of tries: a dead letter | 503');
  expect(said('assignment.status', { status: 'blocked', from: 'active', reason: 'red', action: 'look', by: 'pm' })).toBe(
    'Blocked: waits for a person | red · look · by pm',
  );
  expect(said('assignment.status', { status: 'active', budget: {}, by: 'person' })).toBe('Its budget was changed | by person');
});

test('stages say how they went, and in which round', () => {
  expect(said('stage.ended', { stage: 'verify', status: 'failed', iteration: 1, summary: 'exit code 1' })).toBe('The check is red | exit code 1');
  expect(said('stage.ended', { stage: 'verify', status: 'passed', iteration: 2 })).toBe('The check is green (round 2)');
  expect(said('stage.ended', { stage: 'commit', status: 'passed', iteration: 1, summary: 'a'.repeat(40) })).toBe('Committed | aaaaaaaaaa');
  expect(said('stage.ended', { stage: 'push', status: 'passed', iteration: 1, summary: 'refs/heads/windlass/x' })).toBe('Pushed | windlass/x');
  expect(said('stage.ended', { stage: 'propose', status: 'skipped', iteration: 1 })).toBe('Not needed: proposing it');
  expect(said('stage.started', { stage: 'run', iteration: 1 })).toBe('The agent runs');
});

test('every kind has its sentence, whatever its particulars are', () => {
  for (const kind of KINDS) {
    for (const data of [{}, { status: 5, failure: 'x', pull_request: null, usage: [], by: {} }, { status: 'odd', text: '<b>\u202e', stage: 'odd' }]) {
      const words = eventWords(event(kind, data));
      expect(words.text, kind).not.toBe('');
      expect(words.text, kind).not.toMatch(/undefined|null|NaN|\[object/);
      expect(`${words.text}${words.detail}`).not.toContain('\u202e');
    }
  }
});
