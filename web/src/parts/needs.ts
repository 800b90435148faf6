/** What waits for a person: its words, and where it is looked at. */
import type { Need, NeedKind } from '@/api/types';

export const NEED_WORDS: Record<NeedKind, string> = {
  blocked: 'Blocked',
  guarded_change: 'Guarded change',
  secret: 'Secret found',
  dead_letter: 'Dead letter',
  budget: 'Budget spent',
  no_worker: 'No worker',
  breaker: 'Agent out of order',
  storage: 'Storage',
};

/** The page that tells more of it. */
export function pathOfNeed(need: Pick<Need, 'kind' | 'assignment_id'>): string {
  if (need.assignment_id) return `/assignments/${encodeURIComponent(need.assignment_id)}`;
  return need.kind === 'storage' ? '/housekeeping' : '/workers';
}
