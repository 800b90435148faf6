import createClient, { type Middleware } from 'openapi-fetch';

import { noteServerTime } from '@/parts/clock';

import { ownHeaders } from './pageKey';
import { asProblem, problemOf } from './problem';
import type { paths } from './schema';
import { signedOut } from './session';

const watch: Middleware = {
  // The daemon takes no change that a page elsewhere could send, so it wants to be told that this is JSON even where there is no body.
  onRequest({ request }) {
    for (const [name, value] of Object.entries(ownHeaders())) request.headers.set(name, value);
    if (request.method !== 'GET') request.headers.set('content-type', 'application/json');
  },
  onResponse({ response, schemaPath }) {
    noteServerTime(response.headers.get('date'));
    // A refused sign-in is told by its form; everything else that is refused so needs that form.
    if (response.status === 401 && schemaPath !== '/api/v1/session') signedOut();
  },
};

/** The daemon's API, typed by its own document. Calls go through `answer`, which makes a refusal an `ApiProblem`. */
export const client = createClient<paths>({ baseUrl: window.location.origin, credentials: 'same-origin' });
client.use(watch);

/** Waits for an answer's body; throws an `ApiProblem` for a refusal or no answer. */
export async function answer<Data>(request: Promise<{ data?: Data; error?: unknown; response: Response }>): Promise<Data> {
  let got;
  try {
    got = await request;
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw asProblem(error);
  }
  if (got.error !== undefined || !got.response.ok) throw problemOf(got.response.status, got.error);
  return got.data as Data;
}
