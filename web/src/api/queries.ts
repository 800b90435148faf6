/** What the pages ask, each with its key. The first word of a key is its topic, by which events make it ask again (`topics.ts`). */
import { infiniteQueryOptions, keepPreviousData, queryOptions } from '@tanstack/react-query';

import { serverNow } from '@/parts/clock';
import { sinceTime, untilTime, type Filters } from '@/parts/filters';

import { answer, client } from './client';
import type { Need, WorkSort, WorkStats } from './types';

/** How many rows a list asks for at once. */
export const PAGE_SIZE = 200;

/** A list that is asked for page by page. `ask` gets the cursor of the page. Rows of the last question stay until the new ones are there. */
export function pages<Item, Key extends readonly unknown[]>(
  key: Key,
  ask: (cursor: string | undefined, signal: AbortSignal) => Promise<{ items: Item[]; next_cursor?: string | null }>,
) {
  return infiniteQueryOptions({
    queryKey: key,
    queryFn: ({ pageParam, signal }) => ask(pageParam, signal),
    initialPageParam: undefined as string | undefined,
    getNextPageParam: (last) => last.next_cursor ?? undefined,
    placeholderData: keepPreviousData,
  });
}

/** Filters as the API takes them. Times that are told from now on back are worked out when the question is put. */
function asked({ project, status, source, since, until, q }: Filters) {
  return {
    project,
    status: status?.join(','),
    source,
    since: sinceTime(since, serverNow()),
    until: untilTime(until),
    q,
  };
}

export const work = ({ filters, sort }: { filters: Filters; sort: WorkSort }) =>
  pages(['work', filters, sort] as const, (cursor, signal) =>
    answer(client.GET('/api/v1/work', { params: { query: { ...asked(filters), sort, cursor, limit: PAGE_SIZE } }, signal })),
  );

export const sessions = ({ filters }: { filters: Filters }) =>
  pages(['agents', filters] as const, (cursor, signal) => {
    const { project, status, since, q } = asked(filters);
    return answer(client.GET('/api/v1/agents', { params: { query: { project, status, since, q, cursor, limit: PAGE_SIZE } }, signal }));
  });

export const stats = (project?: string) =>
  queryOptions({
    queryKey: ['stats', project],
    queryFn: ({ signal }): Promise<WorkStats> => answer(client.GET('/api/v1/work/stats', { params: { query: { project } }, signal })),
    placeholderData: keepPreviousData,
  });

/** Longer than anybody reads: what is beyond is counted in the status line, and listed by *All Work*. */
const MOST_NEEDS = 2_000;

export const inbox = (project?: string) =>
  queryOptions({
    queryKey: ['inbox', project],
    queryFn: async ({ signal }) => {
      const items: Need[] = [];
      let cursor: string | null | undefined;
      do {
        const page = await answer(client.GET('/api/v1/inbox', { params: { query: { project, cursor: cursor ?? undefined, limit: 500 } }, signal }));
        items.push(...page.items);
        cursor = page.next_cursor;
      } while (cursor && items.length < MOST_NEEDS);
      return { items };
    },
    placeholderData: keepPreviousData,
  });

export const daemon = queryOptions({
  queryKey: ['status'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/status', { signal })),
});

export const me = queryOptions({
  queryKey: ['me'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/me', { signal })),
  staleTime: 5 * 60_000,
});

export const projects = queryOptions({
  queryKey: ['projects'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/projects', { signal })),
});

export const assignment = (id: string) =>
  queryOptions({
    queryKey: ['assignment', id],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/assignments/{id}', { params: { path: { id } }, signal })),
  });

export const job = (id: string) =>
  queryOptions({
    queryKey: ['job', id],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/jobs/{id}', { params: { path: { id } }, signal })),
  });

export const session = (id: string) =>
  queryOptions({
    queryKey: ['agent', id],
    queryFn: ({ signal }) => answer(client.GET('/api/v1/agents/{id}', { params: { path: { id } }, signal })),
  });
