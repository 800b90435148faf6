import { useMediaQuery } from '@mantine/hooks';
import { useVirtualizer, defaultRangeExtractor, type Range } from '@tanstack/react-virtual';
import { useCallback, useEffect, useMemo, useRef, type MouseEvent, type ReactNode } from 'react';

import { asProblem } from '@/api/problem';
import { useShortcuts } from '@/shell/shortcuts';

import { groupRows, type Line } from './groups';
import classes from './ListFrame.module.css';
import { ErrorState, Skeleton } from './States';

/** What the frame needs of a question: `useQuery` and `useInfiniteQuery` both have it. */
export interface Asking {
  isPending: boolean;
  isPlaceholderData?: boolean;
  error: unknown;
  refetch: () => unknown;
  hasNextPage?: boolean;
  isFetchingNextPage?: boolean;
  fetchNextPage?: () => unknown;
}

export interface ListFrameProps<Row> {
  /** What the list holds, for screen readers. */
  label: string;
  rows: readonly Row[];
  asking: Asking;
  rowKey: (row: Row) => string;
  /** The heading that a row stands under. Rows of one heading have to stand together. */
  groupOf?: (row: Row) => string;
  /** Where the row leads: `o`, Enter, a click on a phone, or a second click. Rows without it are only looked at. */
  hrefOf?: (row: Row) => string;
  open?: (row: Row) => void;
  /** The row that is looked at, by its key. */
  current: string | undefined;
  setCurrent: (key: string | undefined) => void;
  /** The cells of a row: text and spans, nothing that takes a click of its own. */
  renderRow: (row: Row) => ReactNode;
  /** What stands before a row and takes clicks of its own: a box to choose it. */
  before?: (row: Row) => ReactNode;
  /** What stands under a row and takes clicks of its own: buttons. */
  after?: (row: Row) => ReactNode;
  /** Rows are as high as what is in them; the heights below are then only what is reckoned with before they are drawn. */
  wraps?: boolean;
  empty: ReactNode;
  /** Hears which rows are in sight, and at which line of all the first of them stands. */
  onSight?: (rows: readonly Row[], line: number) => void;
  /** Heights in pixels: of a row in a wide window, and in a narrow one, where its cells stand in two lines. */
  height?: number;
  narrowHeight?: number;
}

const HEADING_HEIGHT = 30;

/** A list of any length: only what is in sight is drawn. `j` and `k` move, `o` opens. */
export function ListFrame<Row>(props: ListFrameProps<Row>) {
  const { rows, asking, rowKey, groupOf, current, setCurrent, renderRow, height = 34, narrowHeight = 54 } = props;
  const scroller = useRef<HTMLDivElement>(null);
  const isNarrow = useMediaQuery('(max-width: 48em)', false, { getInitialValueInEffect: false });
  const rowHeight = isNarrow ? narrowHeight : height;

  const lines = useMemo(() => groupRows(rows, groupOf), [rows, groupOf]);
  const at = useMemo(() => {
    const found = new Map<string, number>();
    lines.forEach((line, index) => line.is === 'row' && found.set(rowKey(line.row), index));
    return found;
  }, [lines, rowKey]);
  const currentIndex = current === undefined ? -1 : (at.get(current) ?? -1);

  const virtual = useVirtualizer({
    count: lines.length,
    getScrollElement: () => scroller.current,
    estimateSize: (index) => (lines[index]?.is === 'heading' ? HEADING_HEIGHT : rowHeight),
    getItemKey: useCallback((index: number) => keyOf(lines[index], rowKey, index), [lines, rowKey]),
    overscan: 10,
    // The current row stays drawn wherever one scrolls, so that the focus is not lost.
    rangeExtractor: useCallback(
      (range: Range) => {
        const inSight = defaultRangeExtractor(range);
        return currentIndex < 0 || inSight.includes(currentIndex) ? inSight : [...inSight, currentIndex].sort((a, b) => a - b);
      },
      [currentIndex],
    ),
  });
  useEffect(() => virtual.measure(), [virtual, rowHeight]);

  const items = virtual.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  const from = virtual.range?.startIndex ?? 0;
  const to = virtual.range?.endIndex ?? 0;
  const { onSight } = props;
  useEffect(() => onSight?.(lines.slice(from, to + 1).flatMap((line) => (line.is === 'row' ? [line.row] : [])), from), [onSight, lines, from, to]);
  // One row is reached by Tab: the current one, else the first.
  const tabIndex = currentIndex >= 0 ? currentIndex : items.find((item) => lines[item.index]?.is === 'row')?.index;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = asking;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && lastShown > lines.length - 60) void fetchNextPage?.();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, lastShown, lines.length]);

  const wantsFocus = useRef(false);
  useEffect(() => {
    if (!wantsFocus.current || currentIndex < 0) return;
    wantsFocus.current = false;
    virtual.scrollToIndex(currentIndex, { align: 'auto' });
    scroller.current?.querySelector<HTMLElement>(`[data-index="${currentIndex}"] > a`)?.focus({ preventScroll: true });
  }, [currentIndex, virtual]);

  const moveTo = (index: number) => {
    const line = lines[index];
    if (line?.is !== 'row') return;
    wantsFocus.current = true;
    setCurrent(rowKey(line.row));
  };
  const move = (by: 1 | -1) => {
    let index = currentIndex < 0 ? (by > 0 ? -1 : lines.length) : currentIndex;
    do index += by;
    while (lines[index]?.is === 'heading');
    moveTo(index);
  };
  const open = (row: Row) => props.open?.(row);
  const openCurrent = () => {
    const line = lines[currentIndex];
    if (line?.is === 'row') open(line.row);
  };
  useShortcuts([
    { keys: 'j', does: 'Next row', run: () => move(1) },
    { keys: 'k', does: 'Row before', run: () => move(-1) },
    ...(props.open ? [{ keys: 'o', does: 'Open the row', run: openCurrent }] : []),
    { keys: 'Escape', does: 'Look at no row', run: () => setCurrent(undefined) },
  ]);

  const click = (event: MouseEvent, row: Row) => {
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.button !== 0) return;
    event.preventDefault();
    if (props.open && (isNarrow || rowKey(row) === current)) open(row);
    else setCurrent(rowKey(row));
  };

  if (asking.isPending) return <Skeleton rows={14} />;
  if (rows.length === 0 && asking.error) return <ErrorState problem={asProblem(asking.error)} retry={() => void asking.refetch()} />;
  if (rows.length === 0) return <>{props.empty}</>;
  return (
    <div
      ref={scroller}
      className={classes.scroller}
      data-old={asking.isPlaceholderData || undefined}
      onKeyDown={(event) => {
        const step = { ArrowDown: 1, ArrowUp: -1 }[event.key] as 1 | -1 | undefined;
        if (step === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        move(step);
      }}
    >
      <div role="list" aria-label={props.label} className={classes.lines} style={{ height: virtual.getTotalSize() }}>
        {items.map((item) => {
          const line = lines[item.index];
          if (!line) return null;
          return (
            <div
              key={item.key}
              role="listitem"
              aria-setsize={hasNextPage ? -1 : lines.length}
              aria-posinset={item.index + 1}
              data-index={item.index}
              className={classes.line}
              ref={props.wraps ? virtual.measureElement : undefined}
              style={{ height: props.wraps ? undefined : item.size, transform: `translateY(${item.start}px)` }}
            >
              {line.is === 'heading' ? (
                <h2 className={classes.heading}>
                  {line.label} <span>{line.count}{hasNextPage && line.isLast ? '+' : ''}</span>
                </h2>
              ) : (
                <>
                {props.before ? <div className={classes.before}>{props.before(line.row)}</div> : null}
                <a
                  className={classes.row}
                  href={props.hrefOf?.(line.row) ?? `#${rowKey(line.row)}`}
                  aria-current={item.index === currentIndex || undefined}
                  tabIndex={item.index === tabIndex ? 0 : -1}
                  onClick={(event) => click(event, line.row)}
                  draggable={false}
                >
                  {renderRow(line.row)}
                </a>
                {props.after ? <div className={classes.after}>{props.after(line.row)}</div> : null}
                </>
              )}
            </div>
          );
        })}
      </div>
      {isFetchingNextPage ? <p className={classes.more}>Loading more…</p> : null}
    </div>
  );
}

function keyOf<Row>(line: Line<Row> | undefined, rowKey: (row: Row) => string, index: number): string {
  if (!line) return `line ${index}`;
  return line.is === 'row' ? rowKey(line.row) : `heading ${line.label}`;
}
