import { useSyncExternalStore } from 'react';

import { late } from '@/shell/late';
import { useRefusal } from '@/shell/may';
import { say } from '@/shell/say';
import { useShortcuts } from '@/shell/shortcuts';

const NewWorkDialog = late(() => import('./NewWorkDialog'));

let isOpen = false;
const listeners = new Set<() => void>();
function set(value: boolean) {
  isOpen = value;
  for (const listener of listeners) listener();
}

/** Opens the dialog from wherever one is; whoever may not ask for work is told at once. */
export function useOpenNewWork(): () => void {
  const refusal = useRefusal('operate');
  return () => (refusal ? say(refusal, true) : set(true));
}

/** The place of the dialog, on every page: `c` and the palette open it. */
export function NewWork() {
  const open = useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => isOpen,
  );
  useShortcuts([{ keys: 'c', does: 'New work…', run: useOpenNewWork() }]);
  return open ? <NewWorkDialog close={() => set(false)} /> : null;
}
