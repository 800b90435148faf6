import { useQuery } from '@tanstack/react-query';
import { useEffect } from 'react';

import { stats } from '@/api/queries';
import { cleanLine } from '@/parts/clean';

import { useProject } from './project';

/** Names the page in the tab, with how much needs somebody: `(1) shop · Work · Windlass`. */
export function useTitle(page: string): void {
  const [project] = useProject();
  const needs = useQuery(stats(project)).data?.needs_you ?? 0;
  useEffect(() => {
    const name = [project, page, 'Windlass'].filter((part) => part !== undefined).map(cleanLine).join(' · ');
    document.title = needs > 0 ? `(${needs}) ${name}` : name;
  }, [project, page, needs]);
}
