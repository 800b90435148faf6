/** What people do to work. Each says in words what came of it; the rows follow by the event stream. */
import { answer, client } from './client';
import type { RetryJob } from './runs';

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
export const signOut = () => answer(client.DELETE('/api/v1/session', {}));
