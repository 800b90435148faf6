import type { Timers } from './refresher';

/** How the stream stands, for the status line. Times are those of the browser's clock, in milliseconds. */
export type StreamState =
  | { is: 'connecting' }
  | { is: 'live' }
  | { is: 'reconnecting'; since: number; nextTryAt: number | null }
  | { is: 'resumed'; at: number; awayMs: number };

/** An open connection that brings events. */
export interface Source {
  onopen: (() => void) | null;
  onerror: (() => void) | null;
  onmessage: ((message: { data: string; lastEventId: string }) => void) | null;
  close(): void;
}

export interface StreamParts {
  /** Opens a source that follows what comes after a number. */
  open(after: number): Source;
  /** Asks for the newest event's number; fails when the daemon is away or refuses. */
  newest(): Promise<number>;
  /** Called with the data of each event, in order, each number once. */
  onEvent(data: string): void;
  /** Events were missed, or it is another history: everything that is shown has to be asked for again. */
  onGap(): void;
  onState(state: StreamState): void;
  timers: Timers;
  /** Wall clock, in milliseconds. */
  wall(): number;
  /** 0 to 1. */
  random(): number;
}

const FIRST_WAIT_MS = 250;
const LONGEST_WAIT_MS = 15_000;
const SAY_RESUMED_MS = 6_000;

/**
 * Follows the daemon's events over one source: from the newest number on, without gap or repeat, over restarts of the daemon and sleeps of the
 * machine. A lost connection is opened again after the last number seen, with growing pauses.
 */
export class EventStream {
  private source: Source | null = null;
  private last: number | null = null;
  private failures = 0;
  private awaySince: number | null = null;
  private cancelWait: (() => void) | null = null;
  private isClosed = false;
  private state: StreamState = { is: 'connecting' };
  /** Counts attempts to connect, so that a late answer of an old one changes nothing. */
  private turn = 0;

  constructor(private readonly parts: StreamParts) {}

  start(): void {
    this.say(this.state);
    void this.connect();
  }

  close(): void {
    this.isClosed = true;
    this.drop();
  }

  /** Tries at once: the machine woke up, the network is back, or a person asked. A stream that is open is opened anew. */
  retryNow(): void {
    if (this.isClosed) return;
    this.drop();
    void this.connect();
  }

  private drop(): void {
    this.turn += 1;
    this.cancelWait?.();
    this.cancelWait = null;
    if (this.source) {
      this.source.onopen = this.source.onerror = this.source.onmessage = null;
      this.source.close();
      this.source = null;
    }
  }

  private async connect(): Promise<void> {
    const turn = ++this.turn;
    // The number is asked for before each try: it tells a daemon that is away from one that refuses, and another history from this one.
    let newest: number;
    try {
      newest = await this.parts.newest();
    } catch {
      if (turn === this.turn) this.lost();
      return;
    }
    if (turn !== this.turn || this.isClosed) return;
    if (this.last !== null && newest < this.last) {
      this.last = newest;
      this.parts.onGap();
    }
    this.last ??= newest;
    const source = this.parts.open(this.last);
    this.source = source;
    source.onopen = () => this.opened();
    source.onerror = () => this.lost();
    source.onmessage = (message) => this.heard(message);
  }

  private opened(): void {
    this.failures = 0;
    if (this.awaySince === null) {
      if (this.state.is !== 'resumed') this.say({ is: 'live' });
      return;
    }
    const at = this.parts.wall();
    this.say({ is: 'resumed', at, awayMs: at - this.awaySince });
    this.awaySince = null;
    this.parts.timers.after(SAY_RESUMED_MS, () => {
      if (this.state.is === 'resumed' && this.state.at === at) this.say({ is: 'live' });
    });
  }

  private heard(message: { data: string; lastEventId: string }): void {
    const number = Number(message.lastEventId);
    if (!Number.isSafeInteger(number)) return;
    // `reset` says that events between were not kept; its number is the one to go on from.
    if (message.data.startsWith('{"first":')) {
      this.last = number;
      this.parts.onGap();
      return;
    }
    if (this.last !== null && number <= this.last) return;
    this.last = number;
    this.parts.onEvent(message.data);
  }

  private lost(): void {
    if (this.isClosed) return;
    this.drop();
    this.awaySince ??= this.parts.wall();
    const most = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.failures);
    this.failures += 1;
    // Between half and all of it, so that many tabs do not come back at the same moment.
    const wait = most * (0.5 + this.parts.random() / 2);
    this.say({ is: 'reconnecting', since: this.awaySince, nextTryAt: this.parts.wall() + wait });
    this.cancelWait = this.parts.timers.after(wait, () => void this.connect());
  }

  private say(state: StreamState): void {
    this.state = state;
    this.parts.onState(state);
  }
}
