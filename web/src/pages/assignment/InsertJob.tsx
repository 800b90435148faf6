import { Select, Textarea, TextInput } from '@mantine/core';
import { useState } from 'react';

import { insertJob } from '@/api/runs';
import type { AssignmentDetail, JobType } from '@/api/types';
import { AgentNeeds, agentOf, agentProblems, AgentSelect, NO_AGENT } from '@/parts/AgentFields';
import { FormDialog } from '@/parts/FormDialog';
import { filled, seconds } from '@/parts/forms';
import { JOB_TYPES } from '@/parts/harnesses';
import { say } from '@/shell/say';

import classes from './Assignment.module.css';

/** Puts a job into an assignment's line. */
export function InsertJob({ assignment, close }: { assignment: AssignmentDetail; close: () => void }) {
  const [type, setType] = useState<JobType>('implement');
  const [agent, setAgent] = useState(NO_AGENT);
  const [context, setContext] = useState('');
  const [model, setModel] = useState('');
  const [worker, setWorker] = useState('');
  const [time, setTime] = useState('');
  const [after, setAfter] = useState<string | null>(null);
  const set = (part: Partial<typeof agent>) => setAgent((old) => ({ ...old, ...part }));
  // A pm and a reviewer know what to do.
  const wrongContext = type !== 'pm' && type !== 'review' && !filled(context) ? 'Say what the agent is to do.' : undefined;
  const wrongTime = Number.isNaN(seconds(time)) ? 'a time like 30m' : undefined;
  const wrongAgent = agentProblems(agent);
  const send = async () => {
    const spec = { type, context, ...agentOf(agent), model: filled(model), worker: filled(worker), timeout_secs: seconds(time) };
    await insertJob(assignment.id, spec, after);
    say('The job is in the line');
    close();
  };
  return (
    <FormDialog title="Insert a job" close={close} isKept={context !== ''} yes="Insert" isLong isWrong={Boolean(wrongContext ?? wrongTime ?? wrongAgent.program ?? wrongAgent.script)} send={send}>
      {(isAsked) => (
        <>
          <Textarea
            label="What the agent is told, beside the north star"
            value={context}
            onChange={(event) => setContext(event.currentTarget.value)}
            error={isAsked && wrongContext}
            autosize
            minRows={4}
            maxRows={14}
            data-autofocus
          />
          <div className={classes.fields}>
            <Select label="Kind" data={[...JOB_TYPES]} value={type} onChange={(value) => setType((value as JobType | null) ?? 'implement')} allowDeselect={false} />
            <AgentSelect value={agent.harness} onChange={(harness) => set({ harness })} own="as the assignment says" />
            <Select
              label="Place"
              placeholder="at the end"
              data={assignment.jobs.map((job) => ({ value: job.id, label: `behind ${job.position} ${job.spec.type}` }))}
              value={after}
              onChange={setAfter}
              clearable
            />
            <TextInput label="Model" placeholder="the agent’s own" value={model} onChange={(event) => setModel(event.currentTarget.value)} />
            <TextInput label="Worker" placeholder="default" value={worker} onChange={(event) => setWorker(event.currentTarget.value)} />
            <TextInput label="Time of one run" placeholder="30m, 2h" value={time} onChange={(event) => setTime(event.currentTarget.value)} error={isAsked && wrongTime} />
          </div>
          <AgentNeeds form={agent} set={set} wrong={isAsked ? wrongAgent : {}} />
          {assignment.status !== 'active' ? <p className={classes.none}>The assignment is {assignment.status}: the job begins when it goes on.</p> : null}
        </>
      )}
    </FormDialog>
  );
}
