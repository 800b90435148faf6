import { UnstyledButton } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';
import { useEffect } from 'react';

import { retryNow, useStream } from '@/api/live';
import { stats } from '@/api/queries';
import type { StreamState } from '@/api/stream';
import { cleanLine } from '@/parts/clean';
import { noteContact, useTimeText } from '@/parts/clock';
import { at } from '@/parts/times';
import { shortSpan, span } from '@/parts/timewords';

import { keepProject, useProject } from './project';
import { useSaid } from './say';
import classes from './StatusLine.module.css';

/** One line on every page: `30 jobs · 2 running · 1 needs you · live`. */
export function StatusLine() {
  const [project] = useProject();
  const { data } = useQuery(stats(project));
  // What other projects wait for is never out of sight.
  const everywhere = useQuery({ ...stats(undefined), enabled: project !== undefined }).data?.needs_you ?? 0;
  const stream = useStream();
  const said = useSaid();
  const isStale = stream.is === 'reconnecting';
  const lostAt = stream.is === 'reconnecting' ? stream.since : null;
  useEffect(() => noteContact(lostAt), [lostAt]);
  const jobs = data ? Object.values(data.jobs).reduce((sum, n) => sum + n, 0) : 0;
  const running = data?.jobs.running ?? 0;
  return (
    <div className={classes.line}>
      {said ? (
        <span className={classes.said} data-bad={said.isBad || undefined} role={said.isBad ? 'alert' : 'status'}>
          {cleanLine(said.text)}
        </span>
      ) : null}
      {data ? (
        <span className={classes.counts} data-stale={isStale || undefined} data-hidden={said !== null || undefined}>
          {project === undefined ? null : <span className={classes.name}>{`${cleanLine(project)}: `}</span>}
          <span className={classes.wide}>
            <Link to="/jobs" search={keepProject} className={classes.part}>
              {jobs} {jobs === 1 ? 'job' : 'jobs'}
            </Link>
            {' · '}
          </span>
          <Link to="/work" search={(old) => ({ project: old.project, status: 'running' })} className={classes.part}>
            {running} running
          </Link>
          {' · '}
          <Link
            to="/inbox"
            search={keepProject}
            className={classes.part}
            data-needs={data.needs_you > 0 || undefined}
          >
            {data.needs_you === 0 ? 'nothing needs you' : data.needs_you === 1 ? '1 needs you' : `${data.needs_you} need you`}
          </Link>
          {project !== undefined && everywhere > data.needs_you ? (
            <>
              {' · '}
              <Link to="/inbox" search={{ project: undefined }} className={classes.part} data-needs>
                {everywhere} in all
              </Link>
            </>
          ) : null}
          {' · '}
        </span>
      ) : null}
      <LiveWord stream={stream} />
    </div>
  );
}

function LiveWord({ stream }: { stream: StreamState }) {
  const wait = useTimeText(() =>
    stream.is === 'reconnecting' && stream.nextTryAt !== null && stream.nextTryAt - Date.now() > 1_000
      ? `, next try in ${shortSpan(stream.nextTryAt - Date.now())}`
      : '',
  );
  return (
    <span className={classes.live} data-state={stream.is}>
      <span role="status">
        {stream.is === 'reconnecting'
          ? `not live since ${at(stream.since)}`
          : stream.is === 'resumed'
            ? `live again after ${span(stream.awayMs)}`
            : stream.is}
      </span>
      {stream.is === 'reconnecting' ? (
        <>
          {wait}{' '}
          <UnstyledButton className={classes.retry} onClick={retryNow}>
            try now
          </UnstyledButton>
        </>
      ) : null}
    </span>
  );
}
