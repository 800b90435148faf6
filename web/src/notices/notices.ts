/** Which things in the inbox are new, and what is told of them. */
import type { Need } from '@/api/types';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { NEED_WORDS, pathOfNeed } from '@/parts/needs';
import { toDo } from '@/parts/toDo';

import { isChosen, type NoticeKind } from './kinds';

/** So many of the things that are gone are remembered: one that is there again by the same key is no new one. */
const GONE_KEPT = 500;
/** More at once than this are told in one. */
const SINGLE_MAX = 3;
const LISTED = 4;
const BODY_MAX = 240;

/** What is new in the inbox and of a chosen kind; and the keys that are known from now on. `known` is null where nothing was looked at before: then nothing is new. */
export function whatIsNew(needs: readonly Need[], known: readonly string[] | null, chosen: readonly NoticeKind[]): { fresh: Need[]; known: string[] } {
  const before = new Set(known);
  const fresh = known === null ? [] : needs.filter((need) => !before.has(need.key) && isChosen(need.kind, chosen));
  const here = needs.map((need) => need.key);
  for (const key of here) before.delete(key);
  return { fresh, known: [...[...before].slice(-GONE_KEPT), ...here] };
}

export interface Notice {
  /** The browser shows one of a tag at a time. */
  tag: string;
  title: string;
  body: string;
  /** Where a click leads. */
  path: string;
}

/** A few things are told one by one, many in one notice that names the first. */
export function noticesOf(fresh: readonly Need[]): Notice[] {
  if (fresh.length <= SINGLE_MAX) return fresh.map(noticeOf);
  const rest = fresh.length - LISTED;
  const lines = fresh.slice(0, LISTED).map((need) => cleanLine(need.title).slice(0, 80));
  return [{ tag: 'windlass', title: `${fresh.length} things need you`, body: [...lines, ...(rest > 0 ? [`and ${rest} more`] : [])].join('\n'), path: '/inbox' }];
}

function noticeOf(need: Need): Notice {
  const about = [need.project && cleanLine(need.project), capital(cleanLine(need.why)), need.action && toDo(need.action)].filter(Boolean);
  return { tag: need.key, title: `${NEED_WORDS[need.kind] ?? 'Needs you'}: ${cleanLine(need.title).slice(0, 120)}`, body: about.join(' · ').slice(0, BODY_MAX), path: pathOfNeed(need) };
}
