import { lazy, Suspense, useSyncExternalStore } from 'react';

import { useShortcuts } from '@/shell/shortcuts';

const NewWorkDialog = lazy(() => import('./NewWorkDialog'));

let isOpen = false;
const listeners = new Set<() => void>();
function set(value: boolean) {
  isOpen = value;
  for (const listener of listeners) listener();
}

/** Opens the dialog from wherever one is. */
export const openNewWork = () => set(true);

/** The place of the dialog, on every page: `c` and the palette open it. */
export function NewWork() {
  const open = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => isOpen,
  );
  useShortcuts([{ keys: 'c', does: 'New work…', run: openNewWork }]);
  return <Suspense>{open ? <NewWorkDialog close={() => set(false)} /> : null}</Suspense>;
}
