import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

/** What the address of this page says, and the way to have it say something else. */
export function useUrl<Search extends object>(): [Search, (next: Partial<Search>) => void] {
  const search: unknown = useSearch({ strict: false });
  const navigate = useNavigate();
  const change = useCallback(
    (next: Partial<Search>) => void navigate({ to: '.', search: (old: object) => ({ ...old, ...next }) as never, replace: true }),
    [navigate],
  );
  return [search as Search, change];
}
