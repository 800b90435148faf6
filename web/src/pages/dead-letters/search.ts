/** What the address of the dead letters' page may say. */
import type { DeadLetterFilters, FailureKind } from '@/api/runs';

const HARNESSES = ['claude', 'codex', 'gemini', 'command', 'simulated'] as const;
export type HarnessName = (typeof HARNESSES)[number];
export { HARNESSES };

export interface DeadLetterSearch {
  worker?: string;
  harness?: HarnessName;
  failure?: FailureKind;
  since?: string;
  row?: string;
}

/** An address's filters, whatever somebody typed there. */
export function validDeadLetterSearch(search: Record<string, unknown>): DeadLetterSearch {
  const word = (key: string) => {
    const value = search[key];
    return typeof value === 'string' && value !== '' ? value.slice(0, 200) : undefined;
  };
  const harness = word('harness');
  const failure = word('failure');
  const since = word('since');
  return {
    worker: word('worker'),
    harness: HARNESSES.find((name) => name === harness),
    failure: failure && /^[a-z_]{1,40}$/.test(failure) ? (failure as FailureKind) : undefined,
    since: since && /^[1-9]\d{0,3}[hd]$/.test(since) ? since : undefined,
    row: word('row'),
  };
}

/** Whether anything but the project narrows the list. */
export const isNarrowed = ({ worker, harness, failure, since }: DeadLetterFilters) => Boolean(worker || harness || failure || since);
