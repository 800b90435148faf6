import { useInfiniteQuery, useQuery } from '@tanstack/react-query';
import { Link, useNavigate } from '@tanstack/react-router';
import { useMemo } from 'react';

import { agentMetrics } from '@/api/activity';
import { sessions } from '@/api/queries';
import type { AgentSession } from '@/api/types';
import { FilterBar } from '@/parts/FilterBar';
import { isNarrowed } from '@/parts/filters';
import { ListFrame } from '@/parts/ListFrame';
import { count } from '@/parts/Money';
import { PageHead } from '@/parts/PageHead';
import { rowsOf } from '@/parts/rowsOf';
import { SplitPage } from '@/parts/SplitPage';
import { EmptyState } from '@/parts/States';
import { span } from '@/parts/timewords';
import { useList } from '@/parts/useList';
import { useUrl } from '@/parts/useUrl';
import { keepProject } from '@/shell/project';
import { useTitle } from '@/shell/title';
import { SessionPane } from '@/pages/work/SessionPane';

import { AgentRow } from './AgentRow';
import classes from './agents.module.css';
import { Figures } from './Figures';
import { percent } from './steps';

const STATUSES = ['active', 'idle', 'ended'];
const GOING = ['active', 'idle'];
const keyOf = (session: AgentSession) => session.id;
const groupOf = (session: AgentSession) => ({ active: 'Active', idle: 'Idle', ended: 'Ended' })[session.status];

/** What each agent does at this moment; those that ended are shown when asked for. */
export default function AgentsPage() {
  useTitle('Agents');
  const { filters, setFilters, current, setCurrent } = useList(STATUSES);
  const [{ view }, change] = useUrl<{ view?: string }>();
  const navigate = useNavigate();
  const asked = useMemo(() => (filters.status ? filters : { ...filters, status: GOING }), [filters]);
  const list = useInfiniteQuery({ ...sessions({ filters: asked }), enabled: view !== 'figures' });
  const metrics = useQuery(agentMetrics({ project: filters.project })).data;
  // The daemon lists the newest first; here they stand by what they do.
  const rows = useMemo(() => rowsOf(list.data, keyOf).sort((a, b) => STATUSES.indexOf(a.status) - STATUSES.indexOf(b.status)), [list.data]);
  const open = (session: AgentSession) =>
    void navigate({ to: '/agents/$id', params: { id: session.id }, search: keepProject });
  const selected = rows.find((row) => row.id === current);
  const showProject = !filters.project;
  return (
    <>
      <PageHead
        title="Agents"
        about={
          metrics && metrics.tools_used > 0
            ? [metrics.tools_used === 1 ? '1 tool used' : `${count(metrics.tools_used)} tools used`, percent(metrics.success_rate) && `${percent(metrics.success_rate)} good`, metrics.mean_duration_ms ? `${span(metrics.mean_duration_ms)} each` : null].filter(Boolean).join(' · ')
            : 'what each does at this moment'
        }
      >
        <Link to="/agents" search={(old) => ({ ...old, row: undefined, view: view === 'figures' ? undefined : 'figures' })} className={classes.switch}>
          {view === 'figures' ? 'Show agents' : 'Figures by tool'}
        </Link>
      </PageHead>
      {view === 'figures' ? (
        <Figures project={filters.project} since={filters.since} setSince={(since) => change({ since } as object)} />
      ) : (
        <>
          <FilterBar filters={filters} onChange={setFilters} statuses={STATUSES} counts={metrics && { active: metrics.active, idle: metrics.idle }} />
          <SplitPage pane={selected ? <SessionPane session={selected} open={() => open(selected)} close={() => setCurrent(undefined)} /> : null}>
            <ListFrame
              label="Agents"
              rows={rows}
              asking={list}
              rowKey={keyOf}
              groupOf={groupOf}
              hrefOf={(session) => `/agents/${session.id}`}
              open={open}
              current={current}
              setCurrent={setCurrent}
              renderRow={(session) => <AgentRow session={session} showProject={showProject} />}
              narrowHeight={70}
              empty={
                isNarrowed(filters) ? (
                  <EmptyState title="No agent passes this filter">Change it, or clear it.</EmptyState>
                ) : (
                  <EmptyState title="No agent is at work">
                    Those that Windlass runs are shown here while they work. To see those that you start yourself, too: <code>windlass hooks install</code>
                  </EmptyState>
                )
              }
            />
          </SplitPage>
        </>
      )}
    </>
  );
}
