import type { Need } from '@/api/types';
import { namesBudget } from '@/parts/verbPlaces';

export type NeedAnswer = 'approve' | 'retry' | 'edit' | 'go on' | 'budget' | 'output';

/** What can be done at once about what waits for a person, the likeliest first. */
export function answersTo({ kind, job_id: job, assignment_id: assignment, action }: Pick<Need, 'kind' | 'job_id' | 'assignment_id' | 'action'>): NeedAnswer[] {
  const budget: NeedAnswer[] = assignment && (kind === 'budget' || namesBudget(action ?? '')) ? ['budget'] : [];
  if (kind === 'guarded_change' && job) return ['approve', 'edit', 'output'];
  if ((kind === 'blocked' || kind === 'secret' || kind === 'dead_letter') && job) return [...budget, 'retry', 'edit', 'output'];
  if (kind === 'blocked' && assignment) return [...budget, 'go on'];
  return budget;
}
