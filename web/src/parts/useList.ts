/** What every list page has: its filters and its current row, in the URL. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';

import { filtersOf, NO_MORE, searchOf, type Filters, type More } from './filters';
import type { ListSearch } from '@/routes';

/** `more` is what else the list can be narrowed to; the same object at each drawing. */
export function useList(statuses: readonly string[], more: More = NO_MORE) {
  const search = useSearch({ strict: false }) as ListSearch;
  const navigate = useNavigate();
  const { project, status, source, since, until, q, type, worker, assignment, row, sort } = search;
  const filters = useMemo(
    () => filtersOf({ project, status, source, since, until, q, type, worker, assignment }, statuses, more),
    [project, status, source, since, until, q, type, worker, assignment, statuses, more],
  );
  const change = useCallback(
    (next: Partial<ListSearch>) => void navigate({ to: '.', search: (old: object) => ({ ...old, ...next }), replace: true }),
    [navigate],
  );
  return {
    statuses,
    more,
    filters,
    sort,
    setSort: useCallback((next: 'newest' | undefined) => change({ sort: next }), [change]),
    setFilters: useCallback((next: Filters) => change({ ...searchOf(next), row: undefined }), [change]),
    current: row,
    setCurrent: useCallback((key: string | undefined) => change({ row: key }), [change]),
  };
}
