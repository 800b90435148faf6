import type { Harness, JobType } from '@/api/types';

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
