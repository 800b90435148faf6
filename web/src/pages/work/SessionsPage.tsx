import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';

import { sessions, stats } from '@/api/queries';
import type { AgentSession } from '@/api/types';
import { serverNow, useTimeText } from '@/parts/clock';
import { FilteredList } from '@/parts/FilteredList';
import { rowsOf } from '@/parts/rowsOf';
import { EmptyState } from '@/parts/States';
import { useList } from '@/parts/useList';
import { keepProject } from '@/shell/project';
import { useTitle } from '@/shell/title';

import { groupOfSession } from './groupOf';
import { SessionPane } from './SessionPane';
import { SessionRow } from './SessionRow';
import { WorkTabs } from './WorkTabs';

const STATUSES = ['active', 'idle', 'ended'];
const keyOf = (session: AgentSession) => session.id;
const hrefOf = (session: AgentSession) => `/agents/${session.id}`;

/** Every agent's session, also of those that people start themselves: what it does at this moment, and what it did. */
export default function SessionsPage() {
  useTitle('Sessions');
  const view = useList(STATUSES);
  const { filters } = view;
  const navigate = useNavigate();
  const list = useInfiniteQuery(sessions({ filters }));
  const agents = useQuery(stats(filters.project)).data?.agents;
  // The daemon lists the newest first; here what goes on stands first.
  const rows = useMemo(() => rowsOf(list.data, keyOf).sort((a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status)), [list.data]);
  const today = useTimeText((now) => new Date(now).toDateString());
  const groupOf = useCallback((session: AgentSession) => (today ? groupOfSession(session, serverNow()) : ''), [today]);
  const open = (session: AgentSession) =>
    void navigate({ to: '/agents/$id', params: { id: session.id }, search: keepProject });

  return (
    <>
      <h1 className="unseen">Sessions</h1>
      <WorkTabs />
      <FilteredList
        label="Sessions"
        view={view}
        counts={agents}
        rows={rows}
        asking={list}
        rowKey={keyOf}
        groupOf={groupOf}
        hrefOf={hrefOf}
        open={open}
        renderRow={(session, showProject) => <SessionRow session={session} showProject={showProject} />}
        renderPane={(session, close) => <SessionPane session={session} open={() => open(session)} close={close} />}
        emptyFilter={<EmptyState title="No session passes this filter">Change it, or clear it.</EmptyState>}
        empty={
          <EmptyState title="No sessions yet">
            Agents that Windlass runs are shown here. To see those that you start yourself, too: <code>windlass hooks install</code>
          </EmptyState>
        }
      />
    </>
  );
}
