/** A session's activities as steps: the start and the end of a tool are one. */
import type { Activity, ActivityKind } from '@/api/types';

export interface Step {
  /** The number of its first activity. */
  number: number;
  at: string;
  kind: Exclude<ActivityKind, 'tool_start' | 'tool_end'> | 'tool';
  tool: string | null;
  summary: string;
  /** Of a tool: null while it runs, or when it never told. */
  ok: boolean | null;
  durationMs: number | null;
  isRunning: boolean;
}

/**
 * Newest first. Activities do not say which start an end belongs to, so an end closes the oldest open start of the same tool. What is still open when
 * the session ends, or its agent stops, did not tell how it ended.
 */
export function stepsOf(activities: readonly Activity[]): Step[] {
  const steps: Step[] = [];
  const open: Step[] = [];
  for (const activity of activities) {
    const { number, at, tool = null, summary, ok = null, duration_ms: duration = null } = activity;
    if (activity.kind === 'tool_end') {
      const index = open.findIndex((step) => step.tool === tool);
      const started = index < 0 ? undefined : open.splice(index, 1)[0];
      const step = started ?? { number, at, kind: 'tool' as const, tool, summary, ok: null, durationMs: null, isRunning: false };
      step.ok = ok;
      step.durationMs = duration ?? (started ? Date.parse(at) - Date.parse(started.at) : null);
      step.isRunning = false;
      if (step.summary === '') step.summary = summary;
      if (!started) steps.push(step);
      continue;
    }
    const isTool = activity.kind === 'tool_start';
    const step: Step = {
      number,
      at,
      kind: activity.kind === 'tool_start' ? 'tool' : activity.kind,
      tool,
      summary,
      ok,
      durationMs: duration,
      isRunning: isTool,
    };
    steps.push(step);
    if (isTool) open.push(step);
    if (activity.kind === 'session_end' || activity.kind === 'stop') for (const left of open.splice(0)) left.isRunning = false;
  }
  return steps.reverse();
}

/** What a step is, in a word or two. */
export const STEP_WORDS: Record<Exclude<Step['kind'], 'tool'>, string> = {
  session_start: 'began',
  prompt: 'was asked',
  message: 'says',
  notice: 'notice',
  subagent_start: 'helper began',
  subagent_end: 'helper ended',
  stop: 'stopped',
  session_end: 'ended',
};

/** Shares as people read them: `97 %`; nothing where nothing is known. */
export const percent = (share: number | null | undefined) => (share === null || share === undefined ? null : `${Math.round(share * 100)} %`);
