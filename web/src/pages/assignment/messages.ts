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

/** Whether nobody is there to be spoken to: its agent is a program, and no other has worked on it, so that every message is refused. */
export function hearsNothing({ policy, jobs }: Pick<AssignmentDetail, 'policy' | 'jobs'>): boolean {
  const agents: Record<string, string | undefined> = policy.harness_defaults ?? {};
  const agentOf = (type: string) => agents[type] ?? agents['default'];
  return agentOf('chat') === 'command' && jobs.every(({ spec, started_at }) => !started_at || spec.type === 'pm' || (spec.harness ?? agentOf(spec.type ?? 'implement')) === 'command');
}
