/** One clock for the whole page: it ticks once a second while somebody looks, and follows the daemon's time. */
import { useSyncExternalStore } from 'react';

let skewMs = 0;
let lostAtMs: number | null = null;
let ticking: ReturnType<typeof setInterval> | undefined;
const listeners = new Set<() => void>();

/** Follows an answer's `Date`. It is whole seconds and some time old, so small differences mean nothing. */
export function noteServerTime(date: string | null): void {
  const server = date === null ? Number.NaN : Date.parse(date);
  if (Number.isNaN(server)) return;
  const skew = server - Date.now();
  skewMs = Math.abs(skew) < 3_000 ? 0 : skew;
}

/** Now, by the daemon's clock, in milliseconds. */
export const serverNow = () => Date.now() + skewMs;

/** Hears since when the daemon is away, by the browser's clock in milliseconds; null while it is there. */
export function noteContact(lostAt: number | null): void {
  if (lostAt === lostAtMs) return;
  lostAtMs = lostAt;
  tick();
}

/** Until when it is known what goes on: now, and while the daemon is away the moment when contact was lost. By the daemon's clock, in milliseconds. */
export const knownNow = () => (lostAtMs ?? Date.now()) + skewMs;

function tick() {
  if (document.visibilityState === 'hidden') return;
  for (const listener of listeners) listener();
}

function subscribe(listener: () => void): () => void {
  if (listeners.size === 0) {
    ticking = setInterval(tick, 1_000);
    document.addEventListener('visibilitychange', tick);
  }
  listeners.add(listener);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0) {
      clearInterval(ticking);
      document.removeEventListener('visibilitychange', tick);
    }
  };
}

/** A text that depends on the time. Its component is drawn again only when the text becomes another. */
export function useTimeText(text: (nowMs: number) => string): string {
  return useSyncExternalStore(subscribe, () => text(serverNow()));
}

/** The same of what goes on: it stands still while nobody knows whether it does. */
export function useRunningText(text: (knownMs: number) => string): string {
  return useSyncExternalStore(subscribe, () => text(knownNow()));
}
