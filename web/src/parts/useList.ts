/** What every list page has: its filters and its current row, in the URL. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';

import { filtersOf, searchOf, type Filters } from './filters';
import type { ListSearch } from '@/routes';

export function useList(statuses: readonly string[]) {
  const search = useSearch({ strict: false }) as ListSearch;
  const navigate = useNavigate();
  const { project, status, source, since, until, q, row, sort } = search;
  const filters = useMemo(
    () => filtersOf({ project, status, source, since, until, q }, statuses),
    [project, status, source, since, until, q, statuses],
  );
  const change = useCallback(
    (next: Partial<ListSearch>) => void navigate({ to: '.', search: (old: object) => ({ ...old, ...next }), replace: true }),
    [navigate],
  );
  return {
    statuses,
    filters,
    sort,
    setSort: useCallback((next: 'newest' | undefined) => change({ sort: next }), [change]),
    setFilters: useCallback((next: Filters) => change({ ...searchOf(next), row: undefined }), [change]),
    current: row,
    setCurrent: useCallback((key: string | undefined) => change({ row: key }), [change]),
  };
}
