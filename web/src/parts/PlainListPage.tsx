import { useMediaQuery } from '@mantine/hooks';
import { useCallback, useMemo, type ReactNode } from 'react';

import { useTitle } from '@/shell/title';

import { serverNow, useTimeText } from './clock';
import { FilterBar } from './FilterBar';
import { isNarrowed } from './filters';
import { ListFrame, type Asking } from './ListFrame';
import { countBy, narrow, type Look } from './narrow';
import { PageHead } from './PageHead';
import { SplitPage } from './SplitPage';
import { EmptyState, Skeleton } from './States';
import type { useList } from './useList';

interface PlainListPageProps<Row> {
  title: string;
  about: string;
  /** Buttons in the head. */
  actions?: ReactNode;
  /** Filters and current row, of `useList`. */
  view: ReturnType<typeof useList>;
  statuses: readonly string[];
  /** All rows that were loaded so far, before filters. */
  rows: readonly Row[];
  asking: Asking;
  keyOf: (row: Row) => string;
  look: (row: Row) => Look;
  /** The heading of a row, given the time now. Rows of one heading stand together. */
  groupOf?: (row: Row, nowMs: number) => string;
  hrefOf?: (row: Row) => string;
  open?: (row: Row) => void;
  renderRow: (row: Row, showProject: boolean) => ReactNode;
  renderPane?: (row: Row, close: () => void) => ReactNode;
  /** What is said when there is nothing at all. */
  empty: ReactNode;
  /** Stands between filters and list. */
  children?: ReactNode;
}

/**
 * A list whose endpoint knows few filters: its rows are narrowed here, and further pages are loaded until enough of them pass. The functions that it
 * is given have to be the same at each drawing.
 */
export function PlainListPage<Row>(props: PlainListPageProps<Row>) {
  const { title, view, statuses, rows, asking, keyOf, look, groupOf } = props;
  const { filters, setFilters, current, setCurrent } = view;
  useTitle(title);
  // Headings and spans of time go by the day.
  const today = useTimeText((now) => new Date(now).toDateString());
  const shown = useMemo(() => narrow(rows, filters, look, serverNow()), [rows, filters, look]);
  const counts = useMemo(() => countBy(rows, (row) => look(row).status ?? ''), [rows, look]);
  const group = useCallback((row: Row) => (today && groupOf ? groupOf(row, serverNow()) : ''), [groupOf, today]);
  const selected = current === undefined ? undefined : shown.find((row) => keyOf(row) === current);
  // On a phone the pane comes first: what can be done with a row stands there.
  const isNarrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const open = isNarrow && props.renderPane ? undefined : props.open;
  const showProject = !filters.project;
  const close = () => setCurrent(undefined);
  const isLooking = asking.hasNextPage || asking.isFetchingNextPage;
  return (
    <>
      <PageHead title={title} about={props.about}>
        {props.actions}
      </PageHead>
      <FilterBar filters={filters} onChange={setFilters} statuses={statuses} counts={counts} />
      {props.children}
      <SplitPage pane={selected && props.renderPane ? props.renderPane(selected, close) : null} onPhone>
        <ListFrame
          label={title}
          rows={shown}
          asking={asking}
          rowKey={keyOf}
          groupOf={groupOf ? group : undefined}
          hrefOf={props.hrefOf}
          open={open}
          current={current}
          setCurrent={setCurrent}
          renderRow={(row) => props.renderRow(row, showProject)}
          empty={
            isLooking ? (
              <Skeleton />
            ) : rows.length > 0 && isNarrowed(filters) ? (
              <EmptyState title="Nothing passes this filter">Change it, or clear it.</EmptyState>
            ) : (
              props.empty
            )
          }
        />
      </SplitPage>
    </>
  );
}
