/** Narrows rows that are all here: for lists whose endpoint knows few filters. */
import { sinceTime, untilTime, type Filters } from './filters';

/** What of a row the filters look at. */
export interface Look {
  status?: string;
  source?: string;
  project?: string | null;
  /** When it was made, RFC 3339. */
  at?: string | null;
  /** Everything that words are looked for in. */
  words: readonly (string | null | undefined)[];
}

/** The rows that pass, in their order. */
export function narrow<Row>(rows: readonly Row[], filters: Filters, look: (row: Row) => Look, nowMs: number): readonly Row[] {
  const wanted = (filters.q ?? '').toLowerCase().split(/\s+/).filter(Boolean);
  const since = time(sinceTime(filters.since, nowMs), -Infinity);
  const until = time(untilTime(filters.until), Infinity);
  const { status, source, project } = filters;
  if (wanted.length === 0 && !status && !source && !project && since === -Infinity && until === Infinity) return rows;
  return rows.filter((row) => {
    const seen = look(row);
    if (status && !status.includes(seen.status ?? '')) return false;
    if (source && seen.source !== source) return false;
    if (project && seen.project !== undefined && seen.project !== project) return false;
    if ((filters.since || filters.until) && seen.at) {
      const at = Date.parse(seen.at);
      if (at < since || at >= until) return false;
    }
    const text = seen.words.filter(Boolean).join('\n').toLowerCase();
    return wanted.every((word) => text.includes(word));
  });
}

const time = (iso: string | undefined, otherwise: number) => (iso ? Date.parse(iso) : otherwise);

/** How many rows there are of each status. */
export function countBy<Row>(rows: readonly Row[], statusOf: (row: Row) => string): Partial<Record<string, number>> {
  const counts: Partial<Record<string, number>> = {};
  for (const row of rows) counts[statusOf(row)] = (counts[statusOf(row)] ?? 0) + 1;
  return counts;
}
