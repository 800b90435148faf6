/** A long list of work, scrolled far down, is not asked for page by page again at each event: only what is in sight is. */
import { hashKey, type InfiniteData, type QueryClient, type QueryKey } from '@tanstack/react-query';

import { answer, client } from './client';
import type { Page, WorkItem } from './types';

type Pages = InfiniteData<Page<WorkItem>>;

/** What the list that is on the screen shows now. */
export interface Sight {
  queryKey: QueryKey;
  ids: readonly string[];
  /** Whether the first page is in sight, or nearly. */
  isAtTop: boolean;
  /** Whether a row far down is looked at, which then has to stay. */
  needsAll: boolean;
}

/** How many pages are asked for again at the top; those below are asked for when somebody scrolls there. */
const PAGES_AT_TOP = 2;
/** How many the daemon takes in one question. */
const IDS_MAX = 200;

let sight: Sight | null = null;
let isOld = false;

/** The list says what it shows, or that it is gone (null). Back at the top, what was not asked for meanwhile is. */
export function inSight(queries: QueryClient, next: Sight | null): void {
  const isAnother = next === null || sight === null || hashKey(next.queryKey) !== hashKey(sight.queryKey);
  sight = next;
  if (isAnother) isOld = false;
  else if (isOld && next.isAtTop) void askWorkAgain(queries);
}

/** Asks anew for what events made stale in lists of work. */
export async function askWorkAgain(queries: QueryClient): Promise<void> {
  const shown = sight;
  const data = shown && queries.getQueryData<Pages>(shown.queryKey);
  if (!shown || !data || data.pages.length <= PAGES_AT_TOP) return all(queries);
  if (shown.isAtTop) {
    isOld = false;
    if (!shown.needsAll) queries.setQueryData<Pages>(shown.queryKey, { pages: data.pages.slice(0, PAGES_AT_TOP), pageParams: data.pageParams.slice(0, PAGES_AT_TOP) });
    return all(queries);
  }
  isOld = true;
  const own = hashKey(shown.queryKey);
  const others = queries.invalidateQueries({ queryKey: ['work'], refetchType: 'active', predicate: (query) => query.queryHash !== own });
  const [items] = await Promise.all([workOf(shown.ids.slice(0, IDS_MAX)).catch(() => null), others]);
  // What stands elsewhere now would stand under a wrong heading; a daemon that does not know the question is asked the long way.
  const before = new Map(data.pages.flatMap((page) => page.items).map((item) => [item.id, item]));
  if (items === null || items.some((item) => before.get(item.id)?.status !== item.status)) return all(queries);
  const now = new Map(items.map((item) => [item.id, item]));
  queries.setQueryData<Pages>(
    shown.queryKey,
    (old) => old && { ...old, pages: old.pages.map((page) => (page.items.some((item) => now.has(item.id)) ? { ...page, items: page.items.map((item) => now.get(item.id) ?? item) } : page)) },
  );
}

const all = (queries: QueryClient) => queries.invalidateQueries({ queryKey: ['work'], refetchType: 'active' });

/** Pieces of work by their ids, at most 200. Those that are gone are left out. */
export async function workOf(ids: readonly string[], signal?: AbortSignal): Promise<WorkItem[]> {
  if (ids.length === 0) return [];
  return (await answer(client.GET('/api/v1/work', { params: { query: { ids: ids.join(','), limit: IDS_MAX } }, signal }))).items;
}
