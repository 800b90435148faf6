/** The log of events, read from its newest end: the API lists forward only, so it is asked window by window. */
import { ApiProblem } from './problem';
import type { WindlassEvent } from './types';

/** Where the next window ends, and how wide it is to be. */
export interface Below {
  /** Events up to this number. */
  upTo: number;
  span: number;
}
export interface Window {
  /** Newest first. */
  items: WindlassEvent[];
  next: Below | null;
  /** Whether events before these are no longer kept. */
  isCut: boolean;
}

/** Lists events after a number, oldest first, at most `limit`. */
export type AskAfter = (after: number, limit: number) => Promise<WindlassEvent[]>;

const LIMIT = 500;
const WIDEST = 1_000_000;

/**
 * The events of a window. Where few pass the filter the next window is wider, so that rare kinds are found in a few questions; where the past is
 * no longer kept (410) it is narrowed until its end is found.
 */
export async function windowBelow(ask: AskAfter, { upTo, span }: Below): Promise<Window> {
  if (upTo <= 0) return { items: [], next: null, isCut: false };
  const after = Math.max(0, upTo - span);
  const found: WindlassEvent[] = [];
  let from = after;
  try {
    for (;;) {
      const page = await ask(from, LIMIT);
      const inside = page.filter((event) => event.seq <= upTo);
      found.push(...inside);
      const last = page.at(-1);
      if (page.length < LIMIT || !last || last.seq >= upTo) break;
      from = last.seq;
    }
  } catch (error) {
    if (!(error instanceof ApiProblem) || error.status !== 410) throw error;
    const half = Math.floor(span / 2);
    if (half < 1) return { items: [], next: null, isCut: true };
    const nearer = await windowBelow(ask, { upTo, span: half });
    return nearer.next === null ? nearer : { ...nearer, next: { ...nearer.next, span: half } };
  }
  const wider = found.length < 50 ? Math.min(WIDEST, span * 4) : span;
  return { items: found.reverse(), next: after === 0 ? null : { upTo: after, span: wider }, isCut: false };
}
