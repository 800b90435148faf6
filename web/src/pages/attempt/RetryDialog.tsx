import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { retryJob } from '@/api/commands';
import { assignment } from '@/api/queries';
import type { Job } from '@/api/types';
import { Asked } from '@/parts/Asked';
import { FormDialog } from '@/parts/FormDialog';
import { say } from '@/shell/say';

import { editOf, editProblems, formOf, type JobBefore, type JobEditForm } from './jobEdit';
import { JobEditFields } from './JobEditFields';

/** Runs a job again that failed or was cancelled, with other words, agent, model or time. */
export default function RetryDialog({ job, close }: { job: Job; close: () => void }) {
  const asking = useQuery(assignment(job.assignment_id));
  const [change, setChange] = useState<Partial<JobEditForm>>({});
  const before: JobBefore | null = asking.data ? { spec: job.spec, harness: null, assignment: asking.data } : null;
  const form = before && { ...formOf(before), ...change };
  const wrong = form ? editProblems(form) : {};
  const send = async () => {
    if (!form || !before) return;
    await retryJob(job.id, editOf(form, before));
    say('The job runs again');
    close();
  };
  return (
    <FormDialog
      title="Edit and retry"
      close={close}
      isKept={Object.keys(change).length > 0}
      yes="Run it again"
      isLong
      isWrong={!form || Object.keys(wrong).length > 0}
      send={send}
    >
      {(isAsked) => (
        <Asked asking={asking} bars={4}>
          {() => form && before && <JobEditFields form={form} before={before} set={(part) => setChange((old) => ({ ...old, ...part }))} wrong={isAsked ? wrong : {}} />}
        </Asked>
      )}
    </FormDialog>
  );
}
