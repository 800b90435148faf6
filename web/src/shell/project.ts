/** The project that is looked at: in the URL, so that a link says it, and kept between visits. */
import { useNavigate, useSearch } from '@tanstack/react-router';
import { useCallback } from 'react';

const KEY = 'windlass.project';

/** The search of an address to which the project that is looked at goes along, and nothing else. */
export const keepProject = (old: { project?: string }) => ({ project: old.project });

/** The project of the last visit. */
export function keptProject(): string | undefined {
  try {
    return localStorage.getItem(KEY) ?? undefined;
  } catch {
    // Storage may be forbidden; then nothing is kept.
    return undefined;
  }
}

/** Keeps the project for the next visit. */
export function keep(project: string | undefined): void {
  try {
    if (project) localStorage.setItem(KEY, project);
    else localStorage.removeItem(KEY);
  } catch {
    // As above.
  }
}

/** The project that is looked at; undefined for all. */
export function useProject(): [string | undefined, (project: string | undefined) => void] {
  const { project } = useSearch({ from: '__root__' });
  const navigate = useNavigate();
  const choose = useCallback(
    (next: string | undefined) => void navigate({ to: '.', search: (old: object) => ({ ...old, project: next, row: undefined }) }),
    [navigate],
  );
  return [project, choose];
}
