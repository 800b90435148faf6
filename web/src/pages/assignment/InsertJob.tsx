import { Select } from '@mantine/core';
import { useState } from 'react';

import { insertJob } from '@/api/runs';
import type { AssignmentDetail } from '@/api/types';
import { FormDialog } from '@/parts/FormDialog';
import { filled } from '@/parts/forms';
import { JobFields } from '@/parts/JobFields';
import { jobProblems, NEW_JOB, specOf } from '@/parts/jobSpec';
import { say } from '@/shell/say';

import classes from './Assignment.module.css';

/** Puts a job into an assignment's line. */
export function InsertJob({ assignment, close }: { assignment: AssignmentDetail; close: () => void }) {
  const [form, setForm] = useState(NEW_JOB);
  const [after, setAfter] = useState<string | null>(null);
  const found = jobProblems(form);
  // A pm and a reviewer know what to do.
  if (form.type !== 'pm' && form.type !== 'review' && !filled(form.context)) found.context = 'Say what the agent is to do.';
  const send = async () => {
    await insertJob(assignment.id, specOf(form), after);
    say('The job is in the line');
    close();
  };
  return (
    <FormDialog title="Insert a job" size="xl" close={close} isKept={form.context !== ''} yes="Insert" isLong isWrong={Object.keys(found).length > 0} send={send}>
      {(isAsked) => (
        <>
          <JobFields form={form} set={(part) => setForm((old) => ({ ...old, ...part }))} wrong={isAsked ? found : {}} isFirst>
            <Select
              label="Place"
              placeholder="at the end"
              data={assignment.jobs.map((job) => ({ value: job.id, label: `behind ${job.position} ${job.spec.type}` }))}
              value={after}
              onChange={setAfter}
              clearable
              clearButtonProps={{ 'aria-label': 'Place: at the end' }}
            />
          </JobFields>
          {assignment.status !== 'active' ? <p className={classes.none}>The assignment is {assignment.status}: the job begins when it goes on.</p> : null}
        </>
      )}
    </FormDialog>
  );
}
