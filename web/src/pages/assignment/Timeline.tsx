import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate, useSearch } from '@tanstack/react-router';
import { memo, useCallback, useMemo } from 'react';

import { timeline } from '@/api/runs';
import type { Job, WindlassEvent } from '@/api/types';
import { serverNow, useTimeText } from '@/parts/clock';
import { eventWords } from '@/parts/eventWords';
import { ListFrame } from '@/parts/ListFrame';
import { EmptyState } from '@/parts/States';
import { day, exactTime } from '@/parts/timewords';

import classes from './Assignment.module.css';

const keyOf = (event: WindlassEvent) => String(event.seq);

/** Everything that happened to an assignment, the newest first, as it happens. */
export function Timeline({ assignment, jobs }: { assignment: string; jobs: readonly Job[] }) {
  const queries = useQueryClient();
  const asked = useQuery(timeline(queries, assignment));
  const { row: current } = useSearch({ from: '/assignments/$id' });
  const navigate = useNavigate();
  const today = useTimeText((now) => new Date(now).toDateString());
  const groupOf = useCallback((event: WindlassEvent) => (today ? day(Date.parse(event.at), serverNow()) : ''), [today]);
  // That a stage began is told by its end; only what goes on now is told by its beginning.
  const rows = useMemo(() => (asked.data ?? []).filter((event, n, all) => event.kind !== 'stage.started' || isLastOf(all, n)).reverse(), [asked.data]);
  const setCurrent = useCallback(
    (row: string | undefined) => void navigate({ to: '.', search: (old: object) => ({ ...old, row }), replace: true }),
    [navigate],
  );
  const positions = useMemo(() => new Map(jobs.map((job) => [job.id, `${job.position} ${job.spec.type}`])), [jobs]);
  const open = (event: WindlassEvent) => {
    const search = (old: { project?: string }) => ({ project: old.project, job: event.job_id ?? undefined });
    if (event.attempt_id) void navigate({ to: '/attempts/$id', params: { id: event.attempt_id }, search });
    else if (event.job_id) void navigate({ to: '/jobs/$id', params: { id: event.job_id }, search });
  };
  return (
    <ListFrame
      label="Timeline"
      rows={rows}
      asking={asked}
      rowKey={keyOf}
      groupOf={groupOf}
      hrefOf={(event) => (event.attempt_id ? `/attempts/${event.attempt_id}` : event.job_id ? `/jobs/${event.job_id}` : '#')}
      open={open}
      current={current}
      setCurrent={setCurrent}
      renderRow={(event) => <EventLine event={event} job={event.job_id ? (positions.get(event.job_id) ?? null) : null} />}
      height={30}
      narrowHeight={46}
      empty={<EmptyState title="Its events are no longer kept">What is older than the daemon keeps events is gone; jobs and verdicts stay.</EmptyState>}
    />
  );
}

function isLastOf(all: readonly WindlassEvent[], at: number): boolean {
  const { attempt_id, data } = all[at]!;
  return !all.slice(at + 1).some((later) => later.attempt_id === attempt_id && (later.kind === 'attempt.ended' || later.data['number'] === data['number']));
}

const EventLine = memo(function EventLine({ event, job }: { event: WindlassEvent; job: string | null }) {
  const { text, detail, tone } = eventWords(event);
  return (
    <div className={classes.event} data-tone={tone}>
      <time dateTime={event.at} title={event.at}>
        {exactTime(Date.parse(event.at))}
      </time>
      <span className={classes.happened}>{text}</span>
      <span className={classes.detail}>{detail}</span>
      <span className={classes.ofJob}>{job}</span>
    </div>
  );
});
