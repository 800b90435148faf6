/** Jobs of all work, each with the piece of work that it is part of. */
import { answer, client } from './client';
import { workOf } from './deepList';
import { pages, PAGE_SIZE } from './queries';
import type { Job, JobStatus, JobType, WorkItem } from './types';

export interface JobOfWork {
  job: Job;
  /** Missing where it went away between two questions. */
  work: WorkItem | undefined;
}

/** Which jobs. */
export interface JobsAsked {
  project?: string;
  assignment?: string;
  status?: readonly string[];
  worker?: string;
  type?: string;
}

export const JOB_STATUSES: readonly JobStatus[] = Object.keys({
  running: 0,
  queued: 0,
  failed: 0,
  dead: 0,
  succeeded: 0,
  cancelled: 0,
} satisfies Record<JobStatus, 0>) as JobStatus[];

/** Jobs, the newest first. What they are for, and why they wait, is asked for page by page, too: a job itself does not say it. */
export const jobs = ({ project, assignment, status, worker, type }: JobsAsked) =>
  pages(['jobs', project, assignment, status, worker, type] as const, async (cursor, signal) => {
    const query = { project, assignment, status: status?.join(','), worker, type: type as JobType | undefined, cursor, limit: PAGE_SIZE };
    const page = await answer(client.GET('/api/v1/jobs', { params: { query }, signal }));
    const work = new Map((await workOf([...new Set(page.items.map((job) => job.assignment_id))], signal)).map((item) => [item.id, item]));
    return { items: page.items.map((job): JobOfWork => ({ job, work: work.get(job.assignment_id) })), next_cursor: page.next_cursor };
  });
