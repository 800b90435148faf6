import type { AssignmentDetail, Need } from '@/api/types';
import { namesBudget } from '@/parts/verbPlaces';

import { failedJob } from '../assignment/standing';

export type NeedAnswer = 'approve' | 'retry' | 'edit' | 'go on' | 'budget' | 'output';

/**
 * What can be done at once about what waits for a person, the likeliest first. Blocked work tells nothing of the job it speaks of, which may have
 * succeeded or still wait: that is read off its assignment, and until it is there (undefined) nothing is offered that could be refused.
 */
export function answersTo(
  { kind, job_id: job, assignment_id: id, action }: Pick<Need, 'kind' | 'job_id' | 'assignment_id' | 'action'>,
  assignment: Pick<AssignmentDetail, 'status' | 'jobs'> | undefined,
): NeedAnswer[] {
  const budget: NeedAnswer[] = id && (kind === 'budget' || namesBudget(action ?? '')) ? ['budget'] : [];
  const output: NeedAnswer[] = job ? ['output'] : [];
  if (kind === 'guarded_change' && job) return ['approve', 'edit', 'output'];
  if ((kind === 'secret' || kind === 'dead_letter') && job) return [...budget, 'retry', 'edit', 'output'];
  if (kind !== 'blocked') return budget;
  if (assignment?.status !== 'blocked') return [...budget, ...output];
  return failedJob(assignment)?.id === job && job ? [...budget, 'retry', 'edit', 'output'] : [...budget, 'go on', ...output];
}
