/** What people do to work. Each says in words what came of it; the rows follow by the event stream. */
import { answer, client } from './client';
import { keepPageKey } from './pageKey';
import type { RetryJob } from './runs';
import { signedIn, signedOut } from './session';
import type { SignInWith } from './types';

const path = (id: string) => ({ params: { path: { id } } });

export const cancelAssignment = (id: string) => answer(client.POST('/api/v1/assignments/{id}/cancel', path(id)));
export const continueAssignment = (id: string) =>
  answer(client.PATCH('/api/v1/assignments/{id}', { ...path(id), body: { status: 'active' } }));
export const cancelJob = (id: string) => answer(client.POST('/api/v1/jobs/{id}/cancel', path(id)));
/** Runs a job again that ended, with what `edit` changes of it. */
export const retryJob = (id: string, edit: RetryJob = {}) => answer(client.POST('/api/v1/jobs/{id}/retry', { ...path(id), body: edit }));
export const approveJob = (id: string) => answer(client.POST('/api/v1/jobs/{id}/approve', path(id)));
export const pause = () => answer(client.POST('/api/v1/pause', {}));
export const resume = () => answer(client.POST('/api/v1/resume', {}));
/** Signs this browser in. */
export async function signIn(body: SignInWith): Promise<void> {
  const { page_key } = await answer(client.POST('/api/v1/session', { body }));
  keepPageKey(page_key);
  signedIn();
}
/** Ends this browser's session, in all of its tabs. */
export async function signOut(): Promise<void> {
  await answer(client.DELETE('/api/v1/session', {}));
  keepPageKey(null);
  signedOut();
}
