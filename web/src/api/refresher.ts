/** Time, as far as it is waited for; given from outside so that tests need not wait. */
export interface Timers {
  now(): number;
  after(ms: number, run: () => void): () => void;
}

export const realTimers: Timers = {
  now: () => performance.now(),
  after: (ms, run) => {
    const id = setTimeout(run, ms);
    return () => clearTimeout(id);
  },
};

interface Place {
  /** Something happened that no question asked since has seen. */
  isStale: boolean;
  isAsking: boolean;
  /** Not asked again before. */
  notBefore: number;
  cancel?: () => void;
}

/**
 * Asks again what events made stale: at once after a quiet time, and under load never more often than each `windowMs`, never twice at the same
 * time, and with pauses at least twice as long as the last answer took. The last event is always followed by a question.
 */
export class Refresher {
  private readonly places = new Map<string, Place>();

  constructor(
    private readonly ask: (key: readonly string[]) => Promise<unknown>,
    private readonly timers: Timers = realTimers,
    private readonly windowMs = 100,
  ) {}

  mark(key: readonly string[]): void {
    const name = key.join('\n');
    const place = this.places.get(name) ?? { isStale: false, isAsking: false, notBefore: this.timers.now() + this.windowMs / 2 };
    this.places.set(name, place);
    if (place.isStale) return;
    place.isStale = true;
    if (!place.isAsking) this.plan(name, key, place);
  }

  /** Forgets what was to be asked. */
  stop(): void {
    for (const place of this.places.values()) place.cancel?.();
    this.places.clear();
  }

  private plan(name: string, key: readonly string[], place: Place): void {
    place.cancel?.();
    const wait = Math.max(0, place.notBefore - this.timers.now());
    place.cancel = this.timers.after(wait, () => {
      place.isStale = false;
      place.isAsking = true;
      const began = this.timers.now();
      const done = () => {
        if (this.places.get(name) !== place) return;
        place.isAsking = false;
        const now = this.timers.now();
        place.notBefore = now + Math.max(this.windowMs, 2 * (now - began));
        if (place.isStale) this.plan(name, key, place);
        else place.cancel = this.timers.after(place.notBefore - now, () => this.places.delete(name));
      };
      this.ask(key).then(done, done);
    });
  }
}
