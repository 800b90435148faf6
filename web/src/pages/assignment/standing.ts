/** Where an assignment stands, in words: what it does, or why it waits, stands or ended, until when, and what a person can do. */
import type { AssignmentDetail, Explanation, Job } from '@/api/types';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { toDo } from '@/parts/toDo';

/** What a pm job came to that went well; what it printed is data. */
export const VERDICT_GIVEN = 'Gave its verdict';

export interface Standing {
  status: 'running' | 'waiting' | 'blocked' | 'idle' | 'complete' | 'cancelled';
  why: string;
  until: string | null;
  /** What somebody can do, and who. */
  action: string | null;
  /** The same as the daemon said it, with its commands. */
  told?: string;
}

/** The job that is spoken of: the one that runs, else the next, else the last. */
export function presentJob(jobs: readonly Job[]): Job | null {
  return jobs.find((job) => job.status === 'running') ?? jobs.find((job) => job.status === 'queued') ?? jobs.at(-1) ?? null;
}

/** The job that blocks an assignment because it went wrong, and is what another try would run; null where it is blocked by something else. */
export function failedJob({ status, jobs }: Pick<AssignmentDetail, 'status' | 'jobs'>): Job | null {
  const last = jobs.findLast((job) => job.status === 'failed' || job.status === 'dead');
  return status === 'blocked' && last && jobs.every((job) => job.position <= last.position || job.status === 'queued') ? last : null;
}

/** `explained` is what the daemon says of the present job, once it is known. */
export function standing(assignment: AssignmentDetail, explained: Explanation | undefined): Standing {
  const job = presentJob(assignment.jobs);
  // What agents and people wrote stays as they wrote it; what the daemon says begins with a capital.
  const plain = (status: Standing['status'], why: string): Standing => ({ status, why: cleanLine(why), until: null, action: null });
  switch (assignment.status) {
    case 'blocked': {
      const { block } = assignment;
      if (!block) return plain('blocked', 'It waits for a person.');
      const owner = block.owner === 'person' ? '' : `${block.owner}: `;
      const [why, action] = block.kind ? [capital(block.reason), toDo(owner + block.action)] : [block.reason, cleanLine(owner + block.action)];
      return { ...plain('blocked', why), action, told: block.action };
    }
    case 'complete':
      return plain(
        'complete',
        assignment.status_reason ??
          assignment.verdicts.findLast((verdict) => verdict.verdict === 'complete')?.reason ??
          (assignment.jobs.at(-1)?.status === 'succeeded' ? 'Its last job has succeeded.' : 'Somebody said that it is complete.'),
      );
    case 'cancelled':
      return plain('cancelled', assignment.status_reason ? `Called off: ${assignment.status_reason}` : 'It was called off.');
    default:
  }
  if (job?.status === 'running') return plain('running', job.message ?? capital(explained?.summary ?? 'Its agent works.'));
  if (job?.status === 'queued') {
    const hold = explained?.hold;
    return {
      status: 'waiting',
      why: capital(cleanLine(hold?.reason ?? explained?.summary ?? 'It waits for its turn.')),
      until: hold?.until ?? null,
      action: hold?.hint ? toDo(hold.hint) : null,
      told: hold?.hint ?? undefined,
    };
  }
  return {
    ...plain('idle', assignment.jobs.length === 0 ? 'It has no job yet.' : 'Every job of it is over, and nobody has said that it is complete.'),
    action: 'Insert a job, or say that it is complete.',
  };
}

/** Why a job waits that is not the next one of its line; nothing where only the daemon can say. */
function whyBehind(job: Job, { status, jobs }: Pick<AssignmentDetail, 'status' | 'jobs'>): string {
  const before = jobs.findLast((one) => one.position < job.position && (one.status === 'running' || one.status === 'queued'));
  if (before) return `Waits for the ${before.spec.type} job before it.`;
  return status === 'blocked' ? 'Waits for a person: its work is blocked.' : '';
}

/** What a job came to, what it does or why it waits, in a line. */
export function jobWords(job: Job, assignment: Pick<AssignmentDetail, 'status' | 'jobs'>): string {
  switch (job.status) {
    case 'running':
      return cleanLine([job.progress > 0 ? `${job.progress} %` : null, job.message ?? job.phase].filter(Boolean).join(' · '));
    case 'queued':
      if (job.park) return capital(cleanLine(job.park.failure.message));
      return job.failure ? `Again after: ${cleanLine(job.failure.message)}` : whyBehind(job, assignment);
    case 'succeeded':
      return job.spec.type === 'pm' ? VERDICT_GIVEN : cleanLine(job.output ?? '').slice(0, 300);
    default:
      return capital(cleanLine(job.failure?.message ?? ''));
  }
}
