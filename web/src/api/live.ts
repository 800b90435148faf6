/** The one event stream of this tab: it keeps the cached answers of all pages fresh. */
import type { QueryClient } from '@tanstack/react-query';
import { useSyncExternalStore } from 'react';

import { answer, client } from './client';
import { askWorkAgain } from './deepList';
import { eachOf } from './eachOf';
import { showProgress } from './progress';
import { Refresher, realTimers } from './refresher';
import { openSource } from './source';
import { EventStream, type StreamState } from './stream';
import { staleKeys } from './topics';
import type { WindlassEvent } from './types';

let state: StreamState = { is: 'connecting' };
const listeners = new Set<() => void>();
const eventListeners = new Set<(event: WindlassEvent) => void>();
let stream: EventStream | null = null;

/** Starts the stream; the function that comes back ends it. */
export function goLive(queries: QueryClient): () => void {
  const refresher = new Refresher((queryKey) =>
    queryKey.length === 1 && queryKey[0] === 'work' ? askWorkAgain(queries) : queries.invalidateQueries({ queryKey, refetchType: 'active' }),
  );
  stream = new EventStream({
    open: (after) => openSource(after),
    newest: async () => (await answer(client.GET('/api/v1/work/stats', {}))).seq,
    onEvent: (data) => {
      const event = JSON.parse(data) as WindlassEvent;
      const keys = staleKeys(event);
      if (keys === null) void queries.invalidateQueries();
      else for (const key of keys) refresher.mark(key);
      eachOf([(heard: WindlassEvent) => showProgress(queries, heard), ...eventListeners], event);
    },
    onGap: () => void queries.invalidateQueries(),
    onState: (next) => {
      state = next;
      for (const listener of listeners) listener();
    },
    timers: realTimers,
    wall: Date.now,
    random: Math.random,
  });
  stream.start();
  const stopWatching = watchForSleep(() => stream?.retryNow());
  return () => {
    stopWatching();
    refresher.stop();
    stream?.close();
    stream = null;
  };
}

/** A timer that comes much too late means that the machine slept: the connection may be dead without a word. */
function watchForSleep(woke: () => void): () => void {
  const EVERY_MS = 10_000;
  let last = Date.now();
  const id = setInterval(() => {
    if (Date.now() - last > 4 * EVERY_MS) woke();
    last = Date.now();
  }, EVERY_MS);
  window.addEventListener('online', woke);
  return () => {
    clearInterval(id);
    window.removeEventListener('online', woke);
  };
}

/** How the stream stands now. */
export function useStream(): StreamState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

/** Hears every event of this tab's stream, for what a page cannot do by asking again. */
export function onEvent(listener: (event: WindlassEvent) => void): () => void {
  eventListeners.add(listener);
  return () => eventListeners.delete(listener);
}

/** Tries to connect at once. */
export const retryNow = () => stream?.retryNow();
