import { useQuery } from '@tanstack/react-query';

import { assignment } from '@/api/queries';
import type { AssignmentDetail, Need } from '@/api/types';

/** The assignment of blocked work, which tells what the need does not: whether a job failed, and whether it was a person or a pm who blocked it. */
export function useBlocked(need: Need): AssignmentDetail | undefined {
  return useQuery({ ...assignment(need.assignment_id ?? ''), enabled: need.kind === 'blocked' && Boolean(need.assignment_id) }).data;
}
