/** What people say to the agent of an assignment. */
import type { AssignmentDetail, Job } from '@/api/types';
import { cleanText } from '@/parts/clean';

/** What a message does beside being read, where the assignment stands. */
export function messageEffect(status: AssignmentDetail['status']): string | null {
  switch (status) {
    case 'blocked':
      return 'A message lets it go on: what it is blocked for then counts as answered.';
    case 'complete':
    case 'cancelled':
      return 'It is over; a message opens it again.';
    default:
      return null;
  }
}

/** What was said, the oldest first, each with the job that takes it up. */
export const messagesOf = (jobs: readonly Job[]): { job: Job; text: string }[] =>
  jobs.filter((job) => job.spec.type === 'chat').map((job) => ({ job, text: cleanText(job.spec.context ?? '').trim() })).filter(({ text }) => text !== '');
