import { Button } from '@mantine/core';

import { cancelAssignment, continueAssignment, retryJob } from '@/api/commands';
import type { WorkItem } from '@/api/types';
import { ConfirmButton, RefusedButton } from '@/parts/ConfirmButton';
import { useRefusal } from '@/shell/may';
import { saying } from '@/shell/say';

import { CALL_OFF } from '../assignment/endWords';

/** What can be done about a piece of work where it stands now. */
export function WorkActions({ item }: { item: WorkItem }) {
  const refusal = useRefusal('operate');
  const { job } = item;
  const isOver = item.status === 'complete' || item.status === 'cancelled';
  const hasFailed = job?.status === 'failed' || job?.status === 'dead';
  return (
    <>
      {item.status === 'blocked' && hasFailed ? (
        <Act refusal={refusal} run={() => saying('The job runs again', () => retryJob(job.id))}>
          Retry
        </Act>
      ) : null}
      {item.status === 'blocked' && !hasFailed ? (
        <Act refusal={refusal} run={() => saying('It goes on', () => continueAssignment(item.id))}>
          Done, go on
        </Act>
      ) : null}
      {isOver ? null : (
        <ConfirmButton
          question={CALL_OFF}
          yes="Call it off"
          refused={refusal}
          onConfirm={() => void saying('Called off', () => cancelAssignment(item.id))}
        >
          Cancel…
        </ConfirmButton>
      )}
    </>
  );
}

function Act({ refusal, run, children }: { refusal: string | null; run: () => Promise<unknown>; children: string }) {
  return refusal ? <RefusedButton reason={refusal}>{children}</RefusedButton> : <Button onClick={() => void run()}>{children}</Button>;
}
