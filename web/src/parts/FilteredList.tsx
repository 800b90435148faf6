import type { ReactNode } from 'react';

import { FilterBar } from './FilterBar';
import { isNarrowed } from './filters';
import { ListFrame, type ListFrameProps } from './ListFrame';
import { SplitPage } from './SplitPage';
import type { useList } from './useList';

interface FilteredListProps<Row> extends Omit<ListFrameProps<Row>, 'current' | 'setCurrent' | 'renderRow' | 'open'> {
  /** Filters and current row, of `useList`. */
  view: ReturnType<typeof useList>;
  /** How many there are of each status, where that is known. */
  counts?: Partial<Record<string, number>>;
  /** What else belongs in the bar: sorting. */
  bar?: ReactNode;
  open?: (row: Row) => void;
  renderRow: (row: Row, showProject: boolean) => ReactNode;
  /** What is known of the current row. */
  renderPane?: (row: Row, close: () => void) => ReactNode;
  /** The pane is shown in a narrow window, too. */
  onPhone?: boolean;
  /** What is said when nothing passes the filter; `empty` when there is nothing at all. */
  emptyFilter: ReactNode;
  /** Stands between filters and list. */
  children?: ReactNode;
}

/** A list under its filters, with what is known of its current row beside it. */
export function FilteredList<Row>({ view, counts, bar, renderRow, renderPane, onPhone, emptyFilter, children, ...list }: FilteredListProps<Row>) {
  const { filters, setFilters, current, setCurrent, statuses, more } = view;
  const selected = current === undefined ? undefined : list.rows.find((row) => list.rowKey(row) === current);
  const showProject = !filters.project;
  return (
    <>
      <FilterBar filters={filters} onChange={setFilters} statuses={statuses} more={more} counts={counts}>
        {bar}
      </FilterBar>
      {children}
      <SplitPage pane={selected && renderPane ? renderPane(selected, () => setCurrent(undefined)) : null} onPhone={onPhone}>
        <ListFrame {...list} current={current} setCurrent={setCurrent} renderRow={(row) => renderRow(row, showProject)} empty={isNarrowed(filters) ? emptyFilter : list.empty} />
      </SplitPage>
    </>
  );
}
