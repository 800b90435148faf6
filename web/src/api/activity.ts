/** What agents do: the steps of one session, and figures over many. */
import { queryOptions } from '@tanstack/react-query';

import { answer, client } from './client';
import type { Activity } from './types';

const PAGE = 500;
/** More than the daemon keeps of a session. */
const MOST = 5_000;

/** All that is kept of what a session did, oldest first. */
export const activity = (id: string) =>
  queryOptions({
    queryKey: ['agent', id, 'activity'],
    queryFn: async ({ signal }) => {
      const items: Activity[] = [];
      let isWhole = false;
      while (!isWhole && items.length < MOST) {
        const page = await answer(
          client.GET('/api/v1/agents/{id}/activity', { params: { path: { id }, query: { after: items.at(-1)?.number ?? 0, limit: PAGE } }, signal }),
        );
        items.push(...page.items);
        isWhole = page.items.length === 0 || !page.next_cursor;
      }
      return { items };
    },
  });

export const agentMetrics = (query: { session?: string; project?: string; since?: string }) =>
  queryOptions({
    queryKey: ['agent-metrics', query],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/agents/metrics', { params: { query }, signal })),
  });
