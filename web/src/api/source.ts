/** An event source that sends the page's key along, which a browser's own `EventSource` cannot. */
import { createParser } from 'eventsource-parser';

import { ownHeaders } from './pageKey';
import { realTimers, type Timers } from './refresher';
import { signedOut } from './session';
import type { Source } from './stream';

/** The daemon says every 15 s that it is there. Silence of three times that is a dead connection, whatever the network says. */
export const SILENCE_MS = 45_000;

/** Opens the daemon's events after a number. */
export function openSource(after: number, ask: typeof fetch = fetch, timers: Timers = realTimers): Source {
  const given = new AbortController();
  const source: Source = { onopen: null, onerror: null, onmessage: null, close: () => given.abort() };
  const request = ask(`/api/v1/events?after=${after}`, { headers: { accept: 'text/event-stream', ...ownHeaders() }, cache: 'no-store', signal: given.signal });
  void request
    .then((response) => read(response, source, given, timers))
    .catch(() => {})
    // However it ends, it is over: whoever closed it no longer listens.
    .then(() => source.onerror?.());
  return source;
}

async function read(response: Response, source: Source, given: AbortController, timers: Timers): Promise<void> {
  if (response.status === 401) signedOut();
  if (!response.ok || !response.body) return;
  source.onopen?.();
  let lastEventId = '';
  const parser = createParser({
    onEvent: ({ data, id }) => {
      lastEventId = id ?? lastEventId;
      source.onmessage?.({ data, lastEventId });
    },
  });
  const words = new TextDecoder();
  const reader = response.body.getReader();
  for (;;) {
    const stopWaiting = timers.after(SILENCE_MS, () => given.abort());
    const { value, done } = await reader.read().finally(stopWaiting);
    if (done) return;
    parser.feed(words.decode(value, { stream: true }));
  }
}
