import { Button } from '@mantine/core';
import { useState } from 'react';

import { approveJob, cancelJob, retryJob } from '@/api/commands';
import type { Job } from '@/api/types';
import { ConfirmButton, RefusedButton } from '@/parts/ConfirmButton';
import { late } from '@/shell/late';
import { useRefusal } from '@/shell/may';
import { saying } from '@/shell/say';

const ReplayDialog = late(() => import('../dead-letters/ReplayDialog'));
const RetryDialog = late(() => import('./RetryDialog'));

/** What can be done about a job where it stands now. */
export function JobActions({ job }: { job: Job }) {
  const refusal = useRefusal('operate');
  const [isEditing, setEditing] = useState(false);
  const isOver = job.status === 'failed' || job.status === 'dead' || job.status === 'cancelled';
  const act = (word: string, run: () => Promise<unknown>) =>
    refusal ? <RefusedButton reason={refusal}>{word}</RefusedButton> : <Button onClick={() => void run()}>{word}</Button>;
  return (
    <>
      {job.failure?.kind === 'guarded_change' && job.status === 'failed' ? (
        <ConfirmButton
          question="Let just this change of guarded paths through? Look at the diff first."
          yes="Let it through"
          refused={refusal}
          onConfirm={() => void saying('Let through; the job goes on', () => approveJob(job.id))}
        >
          Approve…
        </ConfirmButton>
      ) : null}
      {isOver ? act(job.status === 'dead' ? 'Edit and replay…' : 'Edit and retry…', async () => setEditing(true)) : null}
      {isOver ? act('Retry', () => saying('The job runs again', () => retryJob(job.id))) : null}
      {job.status === 'running' || job.status === 'queued' ? (
        <ConfirmButton
          question={job.status === 'running' ? 'Call the job off? Its agent is ended, and what it did not commit stays in the workspace.' : 'Call the job off before it begins?'}
          yes="Call it off"
          refused={refusal ?? (job.cancel_requested ? 'It is being called off already.' : null)}
          onConfirm={() => void saying('The job is called off', () => cancelJob(job.id))}
        >
          Cancel job…
        </ConfirmButton>
      ) : null}
      {isEditing && job.status === 'dead' ? <ReplayDialog what={{ ids: [job.id] }} edit={job.id} close={() => setEditing(false)} /> : null}
      {isEditing && job.status !== 'dead' ? <RetryDialog job={job} close={() => setEditing(false)} /> : null}
    </>
  );
}
