import { infiniteQueryOptions } from '@tanstack/react-query';

import { answer, client } from './client';
import { windowBelow, type Below } from './history';
import type { EventKind, WindlassEvent } from './types';

export interface EventsAsked {
  project?: string;
  assignment?: string;
  job?: string;
  kinds?: readonly EventKind[];
}

/** The log of events from the newest on. What happens later is not asked for: the stream brings it. */
export const events = (asked: EventsAsked) =>
  infiniteQueryOptions({
    queryKey: ['events', asked],
    queryFn: async ({ pageParam, signal }) => {
      const query = { project: asked.project, assignment: asked.assignment, job: asked.job, kinds: asked.kinds?.join(',') || undefined };
      const below = pageParam ?? { upTo: (await answer(client.GET('/api/v1/work/stats', { signal }))).seq, span: 500 };
      return windowBelow(async (after, limit) => {
        const page = await answer(
          client.GET('/api/v1/events', { params: { query: { ...query, after, limit } }, headers: { accept: 'application/json' }, signal }),
        );
        return (page as unknown as { items: WindlassEvent[] }).items;
      }, below);
    },
    initialPageParam: null as Below | null,
    getNextPageParam: (last) => last.next ?? undefined,
    staleTime: Infinity,
    gcTime: 0,
  });
