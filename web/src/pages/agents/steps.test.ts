import { describe, expect, it } from 'vitest';

import type { Activity, ActivityKind } from '@/api/types';

import { percent, stepsOf } from './steps';

const at = (second: number) => new Date(Date.UTC(2026, 10, 22, 12, 0, second)).toISOString();
const activity = (number: number, kind: ActivityKind, part: Partial<Activity> = {}): Activity => ({ number, at: at(number), kind, tool: null, summary: '', ok: null, duration_ms: null, ...part });

describe('the steps of a session', () => {
  it('a tool is one step, with how it ended and how long it took', () => {
    const steps = stepsOf([
      activity(1, 'prompt', { summary: 'Fix it' }),
      activity(2, 'tool_start', { tool: 'Bash', summary: 'npm test' }),
      activity(5, 'tool_end', { tool: 'Bash', ok: false }),
    ]);
    expect(steps.map(({ number, kind, summary, ok, durationMs, isRunning }) => [number, kind, summary, ok, durationMs, isRunning])).toEqual([
      [2, 'tool', 'npm test', false, 3_000, false],
      [1, 'prompt', 'Fix it', null, null, false],
    ]);
  });
  it('of two at the same time, each end closes the older of its own tool', () => {
    const steps = stepsOf([
      activity(1, 'tool_start', { tool: 'Read', summary: 'a' }),
      activity(2, 'tool_start', { tool: 'Bash', summary: 'b' }),
      activity(3, 'tool_start', { tool: 'Read', summary: 'c' }),
      activity(4, 'tool_end', { tool: 'Read', ok: true, duration_ms: 7 }),
    ]);
    expect(steps.map(({ summary, isRunning, durationMs }) => [summary, isRunning, durationMs])).toEqual([['c', true, null], ['b', true, null], ['a', false, 7]]);
  });
  it('nothing runs on after the end', () => {
    const [, tool] = stepsOf([activity(1, 'tool_start', { tool: 'Bash' }), activity(2, 'session_end')]);
    expect(tool).toMatchObject({ isRunning: false, ok: null });
  });
  it('an end without a start stands for itself', () => {
    expect(stepsOf([activity(9, 'tool_end', { tool: 'Edit', summary: 'x.ts', ok: true })])).toMatchObject([{ number: 9, kind: 'tool', summary: 'x.ts', ok: true }]);
  });
  it('shares are told in percent, and nothing where nothing is known', () => {
    expect([percent(0.966), percent(1), percent(null)]).toEqual(['97 %', '100 %', null]);
  });
});
