import { useQuery } from '@tanstack/react-query';

import { assignment } from '@/api/queries';
import type { AssignmentDetail, Need } from '@/api/types';

/** The assignment of blocked work, which tells what the need does not: whether a job failed, and whether it was a person or a pm who blocked it. */
export function useBlocked(need: Need): AssignmentDetail | undefined {
  return useQuery({ ...assignment(need.assignment_id ?? ''), enabled: need.kind === 'blocked' && Boolean(need.assignment_id) }).data;
}

/** Whether why it is blocked, and what to do, are the words of a person or a pm: then they stay as they are. */
export const useIsWritten = (need: Need): boolean => {
  const assignment = useBlocked(need);
  return need.kind === 'blocked' && (assignment === undefined || (assignment.status === 'blocked' && !assignment.block?.kind));
};
