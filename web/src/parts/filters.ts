/**
 * What a list is narrowed to: one state, kept in the URL, with two views: the widgets and the typed line
 * (`status:running,blocked project:shop since:7d words to find`).
 */

export interface Filters {
  project?: string;
  status?: string[];
  source?: string;
  /** A day (`2026-11-20`) or a time back from now (`24h`, `7d`). */
  since?: string;
  /** A day, itself included. */
  until?: string;
  /** Words to find. */
  q?: string;
  // What only some lists can be narrowed to.
  type?: string;
  worker?: string;
  assignment?: string;
}

/** Filters as the URL has them: plain words. */
export type FilterSearch = Omit<Filters, 'status'> & { status?: string };

const KEYS = ['project', 'status', 'source', 'since', 'until'] as const;
const MORE_KEYS = ['type', 'worker', 'assignment'] as const;
type MoreKey = (typeof MORE_KEYS)[number];
type Key = (typeof KEYS)[number] | MoreKey;
const ALL_KEYS: readonly Key[] = [...KEYS, ...MORE_KEYS];

/** What else a list can be narrowed to, each with the words that it may say; `null` for any. */
export type More = Partial<Record<MoreKey, readonly string[] | null>>;
/** A list that knows no more than all others. */
export const NO_MORE: More = {};

/** Reads the typed line. What cannot be understood is told, not guessed, and left out. */
export function parseFilters(text: string, statuses: readonly string[], more: More = NO_MORE): { filters: Filters; problems: string[] } {
  const filters: Filters = {};
  const problems: string[] = [];
  const words: string[] = [];
  const keys: readonly string[] = [...KEYS, ...Object.keys(more)];
  const isKey = (word: string): word is Key => keys.includes(word);
  for (const { key, value } of tokens(text, isKey)) {
    if (key === null) {
      words.push(value);
    } else if (!isKey(key)) {
      problems.push(`${key} is no filter; there are ${keys.join(', ')}. To find these words, put them in quotes`);
    } else if (value === '') {
      problems.push(`${key}: what?`);
    } else if (key in more && !mayBe(more, key, value)) {
      problems.push(`${value} is no ${key}; there are ${more[key as MoreKey]?.join(', ')}`);
    } else if (key === 'status') {
      for (const status of value.split(',').filter(Boolean)) {
        if (!statuses.includes(status)) problems.push(`${status} is no status here; there are ${statuses.join(', ')}`);
        else if (!filters.status?.includes(status)) filters.status = [...(filters.status ?? []), status];
      }
    } else if (key === 'since' && !isSpan(value) && !isDay(value)) {
      problems.push(`since:${value} is neither a day (2026-11-20) nor a time back (24h, 7d)`);
    } else if (key === 'until' && !isDay(value)) {
      problems.push(`until:${value} is no day (2026-11-20)`);
    } else {
      filters[key] = value;
    }
  }
  const q = words.join(' ').split(/\s+/).filter(Boolean).join(' ');
  if (q !== '') filters.q = q;
  return { filters, problems };
}

/** Writes the typed line; `parseFilters` of it gives the same filters. */
export function printFilters(filters: Filters): string {
  const parts: string[] = [];
  for (const key of ALL_KEYS) {
    const value = key === 'status' ? filters.status?.join(',') : filters[key];
    if (value) parts.push(`${key}:${quoted(value, /[\s"]/)}`);
  }
  for (const word of filters.q?.split(/\s+/).filter(Boolean) ?? []) {
    const isLikeKey = word.includes(':') && ((ALL_KEYS as readonly string[]).includes(word.split(':', 1)[0]!.toLowerCase()) || LIKE_KEY.test(word));
    parts.push(quoted(word, isLikeKey ? /^/ : /"/));
  }
  return parts.join(' ');
}

function quoted(value: string, when: RegExp): string {
  return when.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : value;
}

/** What looks like a filter although there is none of this name. Outsiders write colons, too: `fix: it`, addresses and times are words. */
const LIKE_KEY = /^[a-z]+:(?!\/\/)\S/i;

/** Words and `key:value` pairs; a quote joins what is between, and a backslash in it takes the next character as it is. */
function* tokens(text: string, isKey: (word: string) => boolean): Generator<{ key: string | null; value: string }> {
  const token = /([a-z]+):(?:"((?:[^"\\]|\\.)*)"?|(\S*))|"((?:[^"\\]|\\.)*)"?|(\S+)/giy;
  let rest = 0;
  while (rest < text.length) {
    rest += /^\s*/.exec(text.slice(rest))![0].length;
    if (rest >= text.length) return;
    token.lastIndex = rest;
    const found = token.exec(text)!;
    rest = token.lastIndex;
    const [whole, key, quotedValue, plainValue, quotedWord, word] = found;
    const bare = (part: string) => part.replace(/\\(.)/g, '$1');
    const lower = key?.toLowerCase();
    if (lower !== undefined && (isKey(lower) || LIKE_KEY.test(whole))) yield { key: lower, value: quotedValue === undefined ? plainValue! : bare(quotedValue) };
    else yield { key: null, value: quotedWord === undefined ? (word ?? whole) : bare(quotedWord) };
  }
}

const isDay = (value: string) => /^\d{4}-\d\d-\d\d$/.test(value) && !Number.isNaN(Date.parse(value));
const isSpan = (value: string) => /^[1-9]\d{0,3}[hd]$/.test(value);

/** Whether a list that knows such a filter knows this word of it. */
const mayBe = (more: More, key: string, value: string) => more[key as MoreKey]?.includes(value) ?? true;

/** Filters out of the URL. What this list does not know is left out. */
export function filtersOf(search: FilterSearch, statuses: readonly string[], more: More = NO_MORE): Filters {
  const status = search.status?.split(',').filter((word) => statuses.includes(word));
  const filters: Filters = { ...search, status: status && status.length > 0 ? status : undefined };
  for (const key of MORE_KEYS) {
    const value = filters[key];
    if (value !== undefined && !(key in more && mayBe(more, key, value))) delete filters[key];
  }
  return filters;
}

/** Filters into the URL. */
export function searchOf(filters: Filters): FilterSearch {
  return {
    project: filters.project || undefined,
    status: filters.status?.join(',') || undefined,
    source: filters.source || undefined,
    since: filters.since || undefined,
    until: filters.until || undefined,
    q: filters.q || undefined,
    type: filters.type || undefined,
    worker: filters.worker || undefined,
    assignment: filters.assignment || undefined,
  };
}

/** Whether anything but the project narrows the list. */
export const isNarrowed = (filters: Filters) =>
  Boolean(filters.status?.length || filters.source || filters.since || filters.until || filters.q || filters.type || filters.worker || filters.assignment);

/** `since` as the API takes it. */
export function sinceTime(value: string | undefined, nowMs: number): string | undefined {
  if (!value) return undefined;
  if (isSpan(value)) {
    const hours = Number.parseInt(value, 10) * (value.endsWith('d') ? 24 : 1);
    return new Date(nowMs - hours * 3_600_000).toISOString();
  }
  return isDay(value) ? new Date(`${value}T00:00:00`).toISOString() : undefined;
}

/** `until` as the API takes it: the end of that day, where the reader is. */
export function untilTime(value: string | undefined): string | undefined {
  if (!value || !isDay(value)) return undefined;
  const day = new Date(`${value}T00:00:00`);
  day.setDate(day.getDate() + 1);
  return day.toISOString();
}

/** A URL's filters, whatever somebody typed there. */
export function validFilterSearch(search: Record<string, unknown>): FilterSearch {
  const text = (key: Key | 'q') => {
    const value = search[key];
    return typeof value === 'string' && value !== '' ? value.slice(0, 300) : undefined;
  };
  const since = text('since');
  const until = text('until');
  return {
    project: text('project'),
    status: text('status'),
    source: text('source'),
    since: since && (isDay(since) || isSpan(since)) ? since : undefined,
    until: until && isDay(until) ? until : undefined,
    q: text('q'),
    type: text('type'),
    worker: text('worker'),
    assignment: text('assignment'),
  };
}
