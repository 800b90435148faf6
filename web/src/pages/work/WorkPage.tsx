import { Select } from '@mantine/core';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo } from 'react';

import { inSight } from '@/api/deepList';
import { PAGE_SIZE, stats, work } from '@/api/queries';
import type { WorkItem } from '@/api/types';
import { serverNow, useTimeText } from '@/parts/clock';
import { FilteredList } from '@/parts/FilteredList';
import { rowsOf } from '@/parts/rowsOf';
import { EmptyState } from '@/parts/States';
import { useList } from '@/parts/useList';
import { keepProject } from '@/shell/project';
import { useTitle } from '@/shell/title';

import { groupOfWork } from './groupOf';
import { WorkPane } from './WorkPane';
import { WorkRow } from './WorkRow';
import { WorkTabs } from './WorkTabs';

const STATUSES = ['blocked', 'running', 'waiting', 'idle', 'complete', 'cancelled'];
const keyOf = (item: WorkItem) => item.id;
const hrefOf = (item: WorkItem) => `/assignments/${item.id}`;

/** All work: what needs somebody first, then what runs, what waits and why, and what is over. */
export default function WorkPage() {
  useTitle('Work');
  const view = useList(STATUSES);
  const { filters, sort = 'attention', current } = view;
  const navigate = useNavigate();
  const list = useInfiniteQuery(work({ filters, sort }));
  const counts = useQuery(stats(filters.project)).data?.statuses;
  const rows = useMemo(() => rowsOf(list.data, keyOf), [list.data]);
  // The headings name days, so they are new every day.
  const today = useTimeText((now) => new Date(now).toDateString());
  const groupOf = useCallback((item: WorkItem) => (today ? groupOfWork(item, sort, serverNow()) : ''), [sort, today]);
  const open = (item: WorkItem) => void navigate({ to: '/assignments/$id', params: { id: item.id }, search: keepProject });

  const queries = useQueryClient();
  const needsAll = rows.findIndex((row) => row.id === current) >= PAGE_SIZE;
  const onSight = useCallback(
    (seen: readonly WorkItem[], line: number) =>
      inSight(queries, { queryKey: work({ filters, sort }).queryKey, ids: seen.map(keyOf), isAtTop: line < PAGE_SIZE / 2, needsAll }),
    [queries, filters, sort, needsAll],
  );
  useEffect(() => () => inSight(queries, null), [queries]);

  return (
    <>
      <h1 className="unseen">Work</h1>
      <WorkTabs />
      <FilteredList
        label="Work"
        view={view}
        counts={counts}
        bar={
          <Select
            aria-label="Order"
            w={128}
            data={[
              { value: 'attention', label: 'By attention' },
              { value: 'newest', label: 'Newest first' },
            ]}
            value={sort}
            onChange={(value) => view.setSort(value === 'newest' ? 'newest' : undefined)}
            allowDeselect={false}
          />
        }
        rows={rows}
        asking={list}
        rowKey={keyOf}
        // What has the words comes in the daemon's own order.
        groupOf={filters.q ? undefined : groupOf}
        hrefOf={hrefOf}
        open={open}
        renderRow={(item, showProject) => <WorkRow item={item} showProject={showProject} />}
        renderPane={(item, close) => <WorkPane item={item} open={() => open(item)} close={close} />}
        onSight={onSight}
        emptyFilter={<EmptyState title="No work passes this filter">Change it, or clear it.</EmptyState>}
        empty={
          <EmptyState title={filters.project ? 'No work in this project yet' : 'No work yet'}>
            Say what you want: <code>windlass run "make the test pass" --repo . --detach</code>
          </EmptyState>
        }
      />
    </>
  );
}
