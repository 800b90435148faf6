import type { JobOfWork } from '@/api/jobs';

import { VERDICT_GIVEN } from '../assignment/standing';
import { howFar } from '../work/jobWords';

/** What a job does, or why it waits or how it ended, in a sentence. */
export interface JobWhy {
  /** How far it is. */
  before?: string;
  summary: string;
  /** When the wait ends by itself, where that is known. */
  until?: string | null;
  /** The summary is an agent's or a person's. */
  asWritten?: boolean;
}

export function whyOf({ job, work }: JobOfWork): JobWhy {
  // What is said of the work is said of this job.
  const isMeant = work?.job?.id === job.id;
  switch (job.status) {
    case 'running':
      if (job.cancel_requested) return { summary: 'Is being called off.' };
      return {
        before: isMeant && work?.job ? howFar(work.job) : job.progress > 0 ? `${job.progress} %` : undefined,
        summary: job.message || (isMeant && work ? work.summary : 'The agent works.'),
        asWritten: Boolean(job.message),
      };
    case 'queued':
      return whyQueued({ job, work }, isMeant);
    case 'succeeded':
      if (job.spec.type === 'pm') return { summary: VERDICT_GIVEN };
      return { summary: firstLine(job.output) || (job.commit ? `Left commit ${job.commit.slice(0, 10)}.` : ''), asWritten: true };
    case 'cancelled':
      return { summary: job.failure?.message || 'Called off.' };
    default:
      return { summary: job.failure?.message || (isMeant && work ? work.summary : '') };
  }
}

function whyQueued({ job, work }: JobOfWork, isMeant: boolean): JobWhy {
  if (work?.status === 'blocked') return { summary: `Waits for a person: ${work.summary}`, until: work.until };
  if (work && (isMeant || work.status === 'idle')) return { summary: work.summary, until: work.until };
  if (work?.job) return { summary: `Waits for the ${work.job.type} job before it.` };
  return job.park ? { summary: job.park.failure.message, until: job.park.until } : { summary: `Waits for the worker ${job.worker}.` };
}

const firstLine = (text: string | null | undefined) => text?.split('\n').find((line) => line.trim() !== '') ?? '';

/** The agent that runs it, as far as that is said. */
export const agentOf = ({ job, work }: JobOfWork): string | null | undefined => job.spec.harness ?? (work?.job?.id === job.id ? work.job.harness : null);
