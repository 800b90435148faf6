import { Select } from '@mantine/core';
import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';

import { workers } from '@/api/engine';
import { JOB_STATUSES, jobs, type JobOfWork } from '@/api/jobs';
import { stats } from '@/api/queries';
import { serverNow } from '@/parts/clock';
import { isNarrowed, sinceTime, type More } from '@/parts/filters';
import { JOB_TYPES } from '@/parts/harnesses';
import { PlainListPage } from '@/parts/PlainListPage';
import { usePlainRows } from '@/parts/plainRows';
import { EmptyState } from '@/parts/States';
import { day } from '@/parts/timewords';
import { useList } from '@/parts/useList';
import { keepProject } from '@/shell/project';

import { JobPane } from './JobPane';
import { JobRow } from './JobRow';
import { whyOf } from './words';

const MORE: More = { type: JOB_TYPES, worker: null, assignment: null };
const keyOf = ({ job }: JobOfWork) => job.id;
const hrefOf = ({ job }: JobOfWork) => `/jobs/${job.id}`;
const groupOf = ({ job }: JobOfWork, nowMs: number) => day(Date.parse(job.created_at), nowMs);
const look = (row: JobOfWork) => ({
  status: row.job.status,
  source: row.work?.source,
  project: row.job.project,
  at: row.job.created_at,
  words: [row.job.id, row.job.assignment_id, row.work?.title, row.job.message, whyOf(row).summary],
});

/** Every job of all work, the newest first: what runs and how far it is, what waits and why, and how the rest ended. */
export default function JobsPage() {
  const view = useList(JOB_STATUSES, MORE);
  const { project, assignment, status, worker, type, since } = view.filters;
  const asking = useInfiniteQuery(jobs({ project, assignment, status, worker, type }));
  const list = usePlainRows(asking, keyOf);
  const counts = useQuery(stats(project)).data?.jobs;
  const navigate = useNavigate();
  const open = useCallback(({ job }: JobOfWork) => void navigate({ to: '/jobs/$id', params: { id: job.id }, search: keepProject }), [navigate]);
  const renderPane = (row: JobOfWork, close: () => void) => <JobPane row={row} open={() => open(row)} close={close} />;
  // The newest come first: what is older than the filter wants need not be asked for.
  const oldest = list.rows.at(-1)?.job.created_at;
  const isPast = oldest !== undefined && Date.parse(oldest) < Date.parse(sinceTime(since, serverNow()) ?? '');
  return (
    <PlainListPage
      title="Jobs"
      about="every job of all work, the newest first"
      view={view}
      {...list}
      asking={isPast ? { ...asking, hasNextPage: false } : asking}
      // The numbers are those of all jobs, whatever else the list is narrowed to.
      counts={worker || type || assignment ? NONE : (counts ?? NONE)}
      look={look}
      groupOf={groupOf}
      hrefOf={hrefOf}
      open={open}
      bar={<MoreFields filters={view.filters} set={view.setFilters} />}
      renderRow={(row, showProject) => <JobRow row={row} showProject={showProject} />}
      renderPane={renderPane}
      empty={
        isNarrowed(view.filters) ? (
          <EmptyState title="No job passes this filter">Change it, or clear it.</EmptyState>
        ) : (
          <EmptyState title={project ? 'No jobs in this project yet' : 'No jobs yet'}>Work that somebody wants is done job by job; each is listed here.</EmptyState>
        )
      }
    />
  );
}
const NONE = {};

/** The kind of the job and its worker, to choose from. */
function MoreFields({ filters, set }: { filters: ReturnType<typeof useList>['filters']; set: ReturnType<typeof useList>['setFilters'] }) {
  const { data } = useQuery(workers);
  // A worker that is gone still has its jobs.
  const names = useMemo(
    () => [...new Set([...(data?.workers.map((worker) => worker.name) ?? []), ...(filters.worker ? [filters.worker] : [])])],
    [data, filters.worker],
  );
  return (
    <>
      <Select aria-label="Kind" placeholder="Any kind" w={120} data={[...JOB_TYPES]} value={filters.type ?? null} onChange={(type) => set({ ...filters, type: type ?? undefined })} clearable />
      <Select aria-label="Worker" placeholder="Any worker" w={128} data={names} value={filters.worker ?? null} onChange={(worker) => set({ ...filters, worker: worker ?? undefined })} clearable />
    </>
  );
}
