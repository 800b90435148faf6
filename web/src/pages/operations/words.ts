import type { Operation, OperationType } from '@/api/operations';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';

export const TYPE_WORDS: Record<OperationType, string> = {
  error_fix: 'error fix',
  feature_implementation: 'feature',
  refactor: 'refactoring',
  test: 'test',
};

/** What an operation does, waits for or came to, in a sentence. */
export function operationInWords(operation: Pick<Operation, 'why' | 'hold' | 'progress' | 'status' | 'result'>): string {
  if (operation.why) return capital(cleanLine(operation.why));
  if (operation.hold) return capital(cleanLine(operation.hold.reason));
  if (operation.result?.error) return capital(cleanLine(operation.result.error));
  if (operation.status === 'running')
    return [operation.progress.percent > 0 && `${operation.progress.percent} %`, operation.progress.message && cleanLine(operation.progress.message)].filter(Boolean).join(' · ') || 'The agent works.';
  if (operation.status === 'queued') return 'Waits for a worker.';
  return operation.status === 'succeeded' ? 'Done.' : '';
}

const CALLBACK: Record<string, string> = { due: 'is still to be told', delivered: 'was told', dead: 'could not be told' };

/** How telling the requester stands: `was told, at the 2nd try`. */
export function callbackInWords({ status, tries }: { status: string; tries: number }): string {
  const words = CALLBACK[status] ?? cleanLine(status);
  return tries > 1 ? `${words}, ${tries} tries so far` : words;
}
