/** One attempt's transcript: follows it, fetches what is looked at, finds in all of it. */
import { asProblem, type ApiProblem } from '@/api/problem';
import type { TranscriptItem, TranscriptPage } from '@/api/runs';

import { entriesOf, type Entries } from './entries';
import { PIECE, Records } from './records';

export interface TranscriptParts {
  /** The last records; refused (400) by a daemon that does not know how. */
  tail(signal: AbortSignal): Promise<TranscriptPage>;
  /** Records from a number on; with `wait`, held until there is one. */
  from(number: number, wait: boolean, signal: AbortSignal): Promise<TranscriptPage>;
  /** Waits before the next try. */
  pause(ms: number, signal: AbortSignal): Promise<void>;
  onChange(): void;
}

export type TranscriptState =
  | { is: 'opening' }
  /** Its end is not known yet, or it grows. */
  | { is: 'growing' }
  | { is: 'ended' }
  /** Asked again and again while the daemon is away; else over. */
  | { is: 'failed'; problem: ApiProblem };

/** What is in memory as a reader sees it. */
interface Reading {
  version: number;
  entries: Entries;
  /** Under which number a record stands that is shown with another's. */
  shownAt: Map<number, number>;
}

const LONGEST_PAUSE_MS = 10_000;

export class Transcript {
  readonly records = new Records();
  state: TranscriptState = { is: 'opening' };
  /** Whether the last records were there first. Without that, reading begins at the first. */
  beganAtEnd = false;
  private readonly ending = new AbortController();
  private looked: [first: number, last: number] = [0, 0];
  private isLoading = false;
  private read: Reading | null = null;

  constructor(private readonly parts: TranscriptParts) {}

  stop(): void {
    this.ending.abort();
  }

  /** Opens it at its end and follows it until the attempt is over. */
  async start(): Promise<void> {
    const { signal } = this.ending;
    let failures = 0;
    let knowsTail = true;
    while (!signal.aborted) {
      try {
        const isFirst = this.records.total === 0 && knowsTail;
        const page = isFirst ? await this.parts.tail(signal) : await this.parts.from(this.records.total, true, signal);
        if (signal.aborted) return;
        if (isFirst) {
          this.beganAtEnd = true;
          knowsTail = false;
        }
        failures = 0;
        this.take(page.items);
        if (page.ended) return this.say({ is: 'ended' });
        this.say({ is: 'growing' });
      } catch (error) {
        if (signal.aborted) return;
        const problem = asProblem(error);
        if (problem.status === 400 && knowsTail) {
          knowsTail = false;
          continue;
        }
        this.say({ is: 'failed', problem });
        if (!problem.isAway) return;
        failures += 1;
        await this.parts.pause(Math.min(LONGEST_PAUSE_MS, 500 * 2 ** failures), signal);
      }
    }
  }

  /** Says which records are in sight: they are fetched if they are not there, and what is far from them may go. */
  look(first: number, last: number): void {
    this.looked = [first, last];
    if (!this.isLoading) void this.load();
  }

  /** What is in memory as a reader sees it; worked out anew only after a change. */
  entries(): Reading {
    if (this.read?.version === this.records.version) return this.read;
    const entries: Entries = new Map();
    const shownAt = new Map<number, number>();
    for (const [first, last] of this.records.stretches()) {
      const items: TranscriptItem[] = [];
      for (let number = first; number <= last; number++) items.push(this.records.at(number)!);
      for (const [number, here] of entriesOf(items)) {
        entries.set(number, here);
        for (const entry of here) if (entry.is === 'tool' && entry.endsAt !== null) shownAt.set(entry.endsAt, number);
      }
    }
    return (this.read = { version: this.records.version, entries, shownAt });
  }

  /** Goes over all records, from `start` on to one end, whether they are in memory or not. Those that are fetched for this are not kept. */
  async *scan(start: number, step: 1 | -1, signal: AbortSignal): AsyncGenerator<TranscriptItem[]> {
    let index = Math.floor(Math.max(0, start) / PIECE);
    for (; index >= 0 && index * PIECE < this.records.total; index += step) {
      const from = index * PIECE;
      const isHere = this.records.missing(from, from + PIECE - 1).length === 0;
      const items = isHere
        ? Array.from({ length: Math.min(PIECE, this.records.total - from) }, (_, n) => this.records.at(from + n)!)
        : (await this.parts.from(from, false, signal)).items;
      signal.throwIfAborted();
      const wanted = items.filter((item) => (step > 0 ? item.number >= start : item.number <= start));
      yield step > 0 ? wanted : wanted.reverse();
    }
  }

  /** The next record of a kind, after (or before) this number; null when there is none. */
  async seek(after: number, step: 1 | -1, is: (item: TranscriptItem) => boolean, signal: AbortSignal): Promise<number | null> {
    for await (const items of this.scan(after + step, step, signal)) {
      const found = items.find(is);
      if (found) return found.number;
    }
    return null;
  }

  private async load(): Promise<void> {
    const { signal } = this.ending;
    this.isLoading = true;
    const tried = new Set<number>();
    try {
      for (;;) {
        const [first, last] = this.looked;
        const index = this.records.missing(first - 50, last + 50).find((piece) => !tried.has(piece));
        if (index === undefined || signal.aborted) return;
        tried.add(index);
        const page = await this.parts.from(index * PIECE, false, signal);
        this.take(page.items);
      }
    } catch {
      // What is in sight is asked for again when somebody scrolls; that the daemon is away is said elsewhere.
    } finally {
      this.isLoading = false;
    }
  }

  private take(items: TranscriptItem[]): void {
    this.records.add(items);
    this.records.keepNear((this.looked[0] + this.looked[1]) / 2);
    this.parts.onChange();
  }

  private say(state: TranscriptState): void {
    this.state = state;
    this.parts.onChange();
  }
}
