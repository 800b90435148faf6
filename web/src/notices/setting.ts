/** Whether this browser tells of new things, and of which: kept in the browser, the same for all its tabs. */
import { useSyncExternalStore } from 'react';

import { answer, client } from '@/api/client';

import { isNoticeKind, type NoticeKind } from './kinds';

/** `unsupported`: no such thing here, or the page is not served securely (https, or the machine's own address). */
export type Permission = NotificationPermission | 'unsupported';
export interface NoticeState {
  permission: Permission;
  /** What is told; null where it is switched off. */
  kinds: readonly NoticeKind[] | null;
}

const SETTING = 'windlass.notices';
const KNOWN = 'windlass.notices.known';

function permissionNow(): Permission {
  // One tab tells for all: without locks, each would.
  return typeof Notification === 'function' && window.isSecureContext && 'locks' in navigator ? Notification.permission : 'unsupported';
}

function listOf(key: string): unknown[] | null {
  try {
    const list: unknown = JSON.parse(localStorage.getItem(key) ?? 'null');
    return Array.isArray(list) ? list : null;
  } catch {
    // Storage may be forbidden, or hold what somebody else wrote.
    return null;
  }
}
const kindsNow = () => listOf(SETTING)?.filter(isNoticeKind) ?? null;

const listeners = new Set<() => void>();
let state: NoticeState = { permission: permissionNow(), kinds: kindsNow() };

function refresh(): void {
  state = { permission: permissionNow(), kinds: kindsNow() };
  for (const listener of listeners) listener();
}

function store(key: string, list: readonly string[]): void {
  localStorage.setItem(key, JSON.stringify(list));
}

window.addEventListener('storage', (event) => {
  if (event.key === SETTING || event.key === null) refresh();
});
// People change their minds in the browser's own settings. Not every browser tells of that.
navigator.permissions
  ?.query({ name: 'notifications' })
  .then((status) => (status.onchange = refresh))
  .catch(() => {});

export function useNotices(): NoticeState {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => state,
  );
}

/**
 * Asks the browser, and if it may, tells from now on: what is in the inbox already counts as known. Says whether it may; throws where the
 * inbox cannot be asked, or the setting not kept.
 */
export async function switchOn(kinds: readonly NoticeKind[]): Promise<boolean> {
  const permission = await Notification.requestPermission();
  if (permission === 'granted') {
    const { items } = await answer(client.GET('/api/v1/inbox', {}));
    store(KNOWN, items.map((need) => need.key));
    store(SETTING, kinds);
  }
  refresh();
  return permission === 'granted';
}

export function switchOff(): void {
  localStorage.removeItem(SETTING);
  localStorage.removeItem(KNOWN);
  refresh();
}

export function choose(kinds: readonly NoticeKind[]): void {
  store(SETTING, kinds);
  refresh();
}

/** The keys of what was told or was there before; null where nothing is known. */
export const knownKeys = () => listOf(KNOWN)?.filter((key) => typeof key === 'string') ?? null;

/** Whether they could be kept. */
export function keepKnown(keys: readonly string[]): boolean {
  try {
    store(KNOWN, keys);
    return true;
  } catch {
    return false;
  }
}
