import type { WorkItem, WorkJob } from '@/api/types';

/** How far a running job is: `40 %`, `verify, round 2`. Nothing while its agent has said nothing. */
export function howFar({ progress, stage, iteration }: WorkJob): string | undefined {
  const parts = [
    progress > 0 ? `${progress} %` : '',
    stage && stage !== 'run' ? `${stage}${iteration && iteration > 1 ? `, round ${iteration}` : ''}` : '',
  ].filter(Boolean);
  return parts.length > 0 ? parts.join(' · ') : undefined;
}

/** Whether the summary of work is what an agent, a pm or a person wrote, and not the daemon's own sentence. */
export const isWritten = ({ status, job }: Pick<WorkItem, 'status' | 'job'>): boolean =>
  status === 'complete' || status === 'cancelled' || (status === 'running' && Boolean(job?.message)) || (status === 'blocked' && job?.status !== 'failed' && job?.status !== 'dead');

/** What the job of a row is to the work: the one that runs, is next, went wrong or was last. */
export function jobName({ job }: WorkItem): string {
  switch (job?.status) {
    case 'running':
      return 'Now';
    case 'queued':
      return 'Next job';
    case 'failed':
    case 'dead':
      return 'Failed job';
    default:
      return 'Last job';
  }
}
