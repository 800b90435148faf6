/** What the ends of an assignment mean for its jobs, said before somebody brings them about. */
import type { Job } from '@/api/types';

export const CALL_OFF = 'Call it off, with what runs and what waits of it? What was pushed stays.';
export const LET_THROUGH = 'Let just this change of guarded paths through? Look at the changes first.';

/** What it means that a person says it is complete, and why they may not yet. */
export function completing(jobs: readonly Pick<Job, 'status'>[]): { means: string; refused: string | null } {
  const waiting = jobs.filter((job) => job.status === 'queued').length;
  const rest =
    waiting === 0
      ? 'No job of it waits.'
      : `${waiting === 1 ? 'The job that waits does' : `The ${waiting} jobs that wait do`} not run; opened again, the work goes on with ${waiting === 1 ? 'it' : 'them'}.`;
  return {
    means: `The work counts as done from now on, whatever its jobs came to. ${rest} What was pushed stays.`,
    refused: jobs.some((job) => job.status === 'running') ? 'A job of it runs, and would deliver its work afterwards: wait for it, or call the job off first.' : null,
  };
}
