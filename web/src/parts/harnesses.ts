import type { Harness, JobType } from '@/api/types';

import { pairs } from './forms';

export const HARNESSES: readonly Harness[] = Object.keys({ claude: 0, codex: 0, gemini: 0, command: 0, simulated: 0 } satisfies Record<Harness, 0>) as Harness[];
export const JOB_TYPES: readonly JobType[] = Object.keys({
  implement: 0,
  plan: 0,
  review: 0,
  uat: 0,
  document: 0,
  pm: 0,
  chat: 0,
} satisfies Record<JobType, 0>) as JobType[];

/** Agents for single types of job, a line each: `review = codex`. Null where a line is none of these. */
export function agentsByType(text: string): Record<string, Harness> | null {
  const found = pairs(text);
  const isKnown = ([type, harness]: [string, string]) => JOB_TYPES.includes(type as JobType) && HARNESSES.includes(harness as Harness);
  return found && Object.entries(found).every(isKnown) ? (found as Record<string, Harness>) : null;
}

/** What is said where a line is none. */
export const WRONG_AGENTS = `lines like review = codex; there are ${HARNESSES.join(', ')}`;
