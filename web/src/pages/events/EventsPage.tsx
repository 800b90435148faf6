import { useInfiniteQuery } from '@tanstack/react-query';
import { useCallback, useEffect, useMemo, useState } from 'react';

import { events } from '@/api/events';
import { onEvent } from '@/api/live';
import { KINDS } from '@/api/topics';
import type { EventKind, WindlassEvent } from '@/api/types';
import { cleanLine, cleanText } from '@/parts/clean';
import { serverNow, useTimeText } from '@/parts/clock';
import { ListFrame } from '@/parts/ListFrame';
import { AssignmentLink, AttemptLink } from '@/parts/LinkTo';
import { PageHead } from '@/parts/PageHead';
import { PaneHead } from '@/parts/PaneHead';
import { Row } from '@/parts/Row';
import { Properties, SplitPage } from '@/parts/SplitPage';
import { EmptyState, Skeleton } from '@/parts/States';
import { RelativeTime } from '@/parts/times';
import { day } from '@/parts/timewords';
import { UrlFields, type UrlField } from '@/parts/UrlFields';
import { useUrl } from '@/parts/useUrl';
import { useTitle } from '@/shell/title';

import classes from './events.module.css';
import { eventText, joined, passes, type EventFilter } from './eventRows';

const FIELDS: UrlField[] = [
  { is: 'many', key: 'kinds', label: 'All kinds', options: [...KINDS].sort() },
  { is: 'text', key: 'assignment', label: 'Assignment id' },
  { is: 'text', key: 'job', label: 'Job id' },
];
const keyOf = (event: WindlassEvent) => String(event.seq);

/** Everything that happened, as it was written down; what happens now comes in at the top. */
export default function EventsPage() {
  useTitle('Events');
  const [search, change] = useUrl<{ kinds?: string; assignment?: string; job?: string; project?: string; row?: string }>();
  const { kinds, assignment, job, project, row: current } = search;
  const filter = useMemo<EventFilter>(
    () => ({ project, assignment, job, kinds: kinds ? (kinds.split(',').filter((kind) => (KINDS as string[]).includes(kind)) as EventKind[]) : undefined }),
    [project, assignment, job, kinds],
  );
  const list = useInfiniteQuery(events(filter));
  const [fresh, setFresh] = useState<WindlassEvent[]>([]);
  useEffect(() => {
    setFresh([]);
    let waiting: WindlassEvent[] = [];
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = onEvent((event) => {
      if (!passes(event, filter)) return;
      waiting.push(event);
      // Many events at once are one drawing.
      timer ??= setTimeout(() => {
        timer = undefined;
        const heard = waiting;
        waiting = [];
        setFresh((old) => [...old, ...heard].slice(-5_000));
      }, 100);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [filter]);
  const rows = useMemo(() => joined(list.data?.pages.flatMap((page) => page.items) ?? [], fresh), [list.data, fresh]);
  const isCut = list.data?.pages.some((page) => page.isCut) ?? false;
  const today = useTimeText((now) => new Date(now).toDateString());
  const groupOf = useCallback((event: WindlassEvent) => (today ? day(Date.parse(event.at), serverNow()) : ''), [today]);
  const selected = rows.find((event) => keyOf(event) === current);
  const setCurrent = (row: string | undefined) => change({ row });
  const isNarrowed = Boolean(kinds || assignment || job);
  return (
    <>
      <PageHead title="Events" about={isCut ? 'everything that happened, as far back as it is kept' : 'everything that happened, as it was written down'} />
      <UrlFields fields={FIELDS} search={search} change={change} />
      <div className={classes.list}>
        <SplitPage pane={selected ? <Pane event={selected} close={() => setCurrent(undefined)} /> : null} onPhone>
          <ListFrame
            label="Events"
            rows={rows}
            asking={list}
            rowKey={keyOf}
            groupOf={groupOf}
            current={current}
            setCurrent={setCurrent}
            renderRow={(event) => (
              <Row
                status={<span className={classes.seq}>{event.seq}</span>}
                title={event.kind}
                text={eventText(event)}
                tail={<code>{cleanLine(event.job_id ?? event.assignment_id ?? '')}</code>}
                when={<RelativeTime at={event.at} />}
              />
            )}
            empty={
              list.hasNextPage ? (
                <Skeleton />
              ) : isNarrowed ? (
                <EmptyState title="No event passes this filter">Change it, or clear it.</EmptyState>
              ) : (
                <EmptyState title="Nothing has happened yet">What happens is shown here at once.</EmptyState>
              )
            }
          />
        </SplitPage>
      </div>
    </>
  );
}

function Pane({ event, close }: { event: WindlassEvent; close: () => void }) {
  return (
    <>
      <PaneHead status={<span className={classes.seq}>{event.seq}</span>} title={event.kind} close={close} />
      <Properties
        of={[
          ['At', <RelativeTime key="at" at={event.at} focusable />],
          ['Project', event.project && cleanLine(event.project)],
          ['Assignment', event.assignment_id && <AssignmentLink id={event.assignment_id} />],
          ['Job', event.job_id && <code>{event.job_id}</code>],
          ['Attempt', event.attempt_id && <AttemptLink id={event.attempt_id} />],
        ]}
      />
      <pre className={classes.data} tabIndex={0} aria-label="Particulars">
        {cleanText(JSON.stringify(event.data, null, 2))}
      </pre>
    </>
  );
}
