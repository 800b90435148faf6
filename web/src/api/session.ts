/** Whether somebody is signed in, as far as the last answers tell. */
import { useSyncExternalStore } from 'react';

let isSignedOut = false;
const listeners = new Set<() => void>();

function set(value: boolean) {
  if (isSignedOut === value) return;
  isSignedOut = value;
  for (const listener of listeners) listener();
}

/** An answer said that nobody is. */
export const signedOut = () => set(true);

/** The sign-in screen was answered with somebody. */
export const signedIn = () => set(false);

/** Whether the sign-in screen has to be shown. */
export function useIsSignedOut(): boolean {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => isSignedOut,
  );
}
