/** The last word on what somebody did, said in the status line and to screen readers: nothing pops up over the work. */
import { useSyncExternalStore } from 'react';

import { asProblem, type ApiProblem } from '@/api/problem';
import { sentences } from '@/parts/sentences';

export interface Said {
  text: string;
  isBad: boolean;
}

let said: Said | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
const listeners = new Set<() => void>();

/** Says it for some seconds; a refusal longer. */
export function say(text: string, isBad = false): void {
  said = { text, isBad };
  clearTimeout(timer);
  timer = setTimeout(clear, isBad ? 20_000 : 6_000);
  for (const listener of listeners) listener();
}

function clear() {
  said = null;
  for (const listener of listeners) listener();
}

/** Does it, and says how that went. `refused` hears a refusal in place of the status line, and null when it is done. */
export async function saying<T>(done: string, act: () => Promise<T>, refused?: (problem: ApiProblem | null) => void): Promise<T | undefined> {
  try {
    const result = await act();
    refused?.(null);
    say(done);
    return result;
  } catch (error) {
    const problem = asProblem(error);
    if (refused) refused(problem);
    else say(sentences(`${problem.title}: ${problem.message}`, problem.hint), true);
    return undefined;
  }
}

export function useSaid(): Said | null {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    () => said,
  );
}
