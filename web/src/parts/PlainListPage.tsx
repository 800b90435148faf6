import { useMediaQuery } from '@mantine/hooks';
import { useCallback, useMemo, type ReactNode } from 'react';

import { useTitle } from '@/shell/title';

import { serverNow, useTimeText } from './clock';
import { FilteredList } from './FilteredList';
import type { Asking } from './ListFrame';
import { countBy, narrow, type Look } from './narrow';
import { PageHead } from './PageHead';
import { EmptyState, Skeleton } from './States';
import type { useList } from './useList';

interface PlainListPageProps<Row> {
  title: string;
  about: string;
  /** Buttons in the head. */
  actions?: ReactNode;
  /** Filters and current row, of `useList`. */
  view: ReturnType<typeof useList>;
  /** All rows that were loaded so far, before filters. */
  rows: readonly Row[];
  asking: Asking;
  keyOf: (row: Row) => string;
  look: (row: Row) => Look;
  /** How many there are of each status, where that is known better than by the rows that were loaded. */
  counts?: Partial<Record<string, number>>;
  /** What else belongs in the bar. */
  bar?: ReactNode;
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
export function PlainListPage<Row>({ title, about, actions, look, counts, groupOf, keyOf, rows, empty, children, ...list }: PlainListPageProps<Row>) {
  const { view, asking } = list;
  useTitle(title);
  // Headings and spans of time go by the day.
  const today = useTimeText((now) => new Date(now).toDateString());
  const shown = useMemo(() => narrow(rows, view.filters, look, serverNow()), [rows, view.filters, look]);
  const counted = useMemo(() => countBy(rows, (row) => look(row).status ?? ''), [rows, look]);
  const group = useCallback((row: Row) => (today && groupOf ? groupOf(row, serverNow()) : ''), [groupOf, today]);
  // On a phone the pane comes first: what can be done with a row stands there.
  const isNarrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const nothing = asking.hasNextPage || asking.isFetchingNextPage ? <Skeleton /> : empty;
  return (
    <>
      <PageHead title={title} about={about}>
        {actions}
      </PageHead>
      <FilteredList
        {...list}
        label={title}
        rows={shown}
        rowKey={keyOf}
        counts={counts ?? counted}
        groupOf={groupOf ? group : undefined}
        open={isNarrow && list.renderPane ? undefined : list.open}
        onPhone
        empty={nothing}
        emptyFilter={rows.length > 0 && nothing === empty ? <EmptyState title="Nothing passes this filter">Change it, or clear it.</EmptyState> : nothing}
      >
        {children}
      </FilteredList>
    </>
  );
}
