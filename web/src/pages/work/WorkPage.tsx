import { Select } from '@mantine/core';
import { useInfiniteQuery, useQuery, useQueryClient } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useEffect, useMemo } from 'react';

import { inSight } from '@/api/deepList';
import { PAGE_SIZE, stats, work } from '@/api/queries';
import type { WorkItem } from '@/api/types';
import { serverNow, useTimeText } from '@/parts/clock';
import { FilterBar } from '@/parts/FilterBar';
import { isNarrowed } from '@/parts/filters';
import { ListFrame } from '@/parts/ListFrame';
import { rowsOf } from '@/parts/rowsOf';
import { SplitPage } from '@/parts/SplitPage';
import { EmptyState } from '@/parts/States';
import { useList } from '@/parts/useList';
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
  const { filters, setFilters, sort = 'attention', setSort, current, setCurrent } = useList(STATUSES);
  const navigate = useNavigate();
  const list = useInfiniteQuery(work({ filters, sort }));
  const counts = useQuery(stats(filters.project)).data?.statuses;
  const rows = useMemo(() => rowsOf(list.data, keyOf), [list.data]);
  // The headings name days, so they are new every day.
  const today = useTimeText((now) => new Date(now).toDateString());
  const groupOf = useCallback((item: WorkItem) => (today ? groupOfWork(item, sort, serverNow()) : ''), [sort, today]);
  const open = (item: WorkItem) => void navigate({ to: '/assignments/$id', params: { id: item.id }, search: (old) => ({ project: old.project }) });
  const selected = rows.find((row) => row.id === current);
  const showProject = !filters.project;

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
      <FilterBar filters={filters} onChange={setFilters} statuses={STATUSES} counts={counts}>
        <Select
          aria-label="Order"
          w={128}
          data={[
            { value: 'attention', label: 'By attention' },
            { value: 'newest', label: 'Newest first' },
          ]}
          value={sort}
          onChange={(value) => setSort(value === 'newest' ? 'newest' : undefined)}
          allowDeselect={false}
        />
      </FilterBar>
      <SplitPage pane={selected ? <WorkPane item={selected} open={() => open(selected)} close={() => setCurrent(undefined)} /> : null}>
        <ListFrame
          label="Work"
          rows={rows}
          asking={list}
          rowKey={keyOf}
          groupOf={groupOf}
          hrefOf={hrefOf}
          open={open}
          current={current}
          setCurrent={setCurrent}
          renderRow={(item) => <WorkRow item={item} showProject={showProject} />}
          onSight={onSight}
          empty={
            isNarrowed(filters) ? (
              <EmptyState title="No work passes this filter">Change it, or clear it.</EmptyState>
            ) : (
              <EmptyState title={filters.project ? 'No work in this project yet' : 'No work yet'}>
                Say what you want: <code>windlass run "make the test pass" --repo . --detach</code>
              </EmptyState>
            )
          }
        />
      </SplitPage>
    </>
  );
}
