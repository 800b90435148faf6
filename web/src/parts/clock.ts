/** One clock for the whole page: it ticks once a second while somebody looks, and follows the daemon's time. */
import { useSyncExternalStore } from 'react';

let skewMs = 0;
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
