import { useQuery } from '@tanstack/react-query';

import { me } from '@/api/queries';

const RANK = { read: 0, assignment: 1, operate: 1, admin: 2 } as const;

/** Why whoever is signed in may not do what needs this scope; null when they may. The daemon decides; this only says it beforehand. */
export function useRefusal(needs: 'operate' | 'admin'): string | null {
  const { data } = useQuery(me);
  if (!data || RANK[data.scope] >= RANK[needs]) return null;
  return `You are signed in as ${data.name} and may ${data.scope === 'read' ? 'only look' : data.scope}; this needs the scope ${needs}.`;
}
