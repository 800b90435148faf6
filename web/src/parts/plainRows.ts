/** What plain lists share: their rows out of the pages that were asked for, and the way to the assignments that they belong to. */
import type { InfiniteData } from '@tanstack/react-query';
import { useNavigate } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';

import { keepProject } from '@/shell/project';

import type { Asking } from './ListFrame';
import { rowsOf } from './rowsOf';

/** The rows of a list that is asked for page by page. */
export function usePlainRows<Row>(asking: Asking & { data: InfiniteData<{ items: Row[] }> | undefined }, keyOf: (row: Row) => string) {
  const { data } = asking;
  const rows = useMemo(() => rowsOf(data, keyOf), [data, keyOf]);
  return { rows, asking, keyOf };
}

/** A row leads to its assignment. */
export function useToAssignment() {
  const navigate = useNavigate();
  const open = useCallback(
    (row: { assignment_id: string }) => void navigate({ to: '/assignments/$id', params: { id: row.assignment_id }, search: keepProject }),
    [navigate],
  );
  return { open, hrefOf };
}
const hrefOf = (row: { assignment_id: string }) => `/assignments/${encodeURIComponent(row.assignment_id)}`;
