/** Who may do what, what was done, and how the daemon is set up. */
import { queryOptions } from '@tanstack/react-query';

import { serverNow } from '@/parts/clock';
import { sinceTime, untilTime } from '@/parts/filters';

import { answer, client } from './client';
import { pages, PAGE_SIZE } from './queries';
import type { components } from './schema';
import type { Scope, User } from './types';

export type Notifications = components['schemas']['Notifications'];
export type Setting = components['schemas']['SettingView'];

export const tokens = queryOptions({
  queryKey: ['tokens'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/tokens', { params: { query: { limit: 500 } }, signal })),
});

export const users = queryOptions({
  queryKey: ['users'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/users', { signal })),
});

/** The browsers that are signed in: everybody's for admins, for others their own. */
export const signIns = queryOptions({
  queryKey: ['sign-ins'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/sign-ins', { params: { query: { limit: 500 } }, signal })),
});

export interface AuditAsked {
  who?: string;
  action?: string;
  since?: string;
  until?: string;
}

export const audit = ({ who, action, since, until }: AuditAsked) =>
  pages(['audit', who, action, since, until] as const, (cursor, signal) =>
    answer(
      client.GET('/api/v1/audit', {
        params: { query: { who, action, since: sinceTime(since, serverNow()), until: untilTime(until), cursor, limit: PAGE_SIZE } },
        signal,
      }),
    ),
  );

export const settings = queryOptions({
  queryKey: ['settings'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/settings', { signal })),
});

export const notifications = queryOptions({
  queryKey: ['notifications'],
  queryFn: ({ signal }) => answer(client.GET('/api/v1/notifications', { signal })),
  refetchInterval: 30_000,
});

export interface NewToken {
  name: string;
  scope: Scope;
  assignment_id?: string;
  expires_in_secs?: number;
}
export const makeToken = (body: NewToken) => answer(client.POST('/api/v1/tokens', { body }));
export const revokeToken = (id: string) => answer(client.DELETE('/api/v1/tokens/{id}', { params: { path: { id } } }));

export const endSignIn = (id: string) => answer(client.DELETE('/api/v1/sign-ins/{id}', { params: { path: { id } } }));

export const addUser = (body: { name: string; password: string; role: User['role'] }) => answer(client.POST('/api/v1/users', { body }));
export const changeUser = (name: string, body: { role?: User['role']; password?: string; disabled?: boolean }) =>
  answer(client.PATCH('/api/v1/users/{name}', { params: { path: { name } }, body }));
export const removeUser = (name: string) => answer(client.DELETE('/api/v1/users/{name}', { params: { path: { name } } }));

export const testNotification = (channel: string) => answer(client.POST('/api/v1/notifications/test', { body: { channel } }));
/** A link that signs one browser in, once. */
export const makeLoginLink = (scope: Scope) => answer(client.POST('/api/v1/login-links', { body: { scope } }));
