import { Button, Checkbox, NumberInput, Select, Textarea, TextInput } from '@mantine/core';
import { useState, type ReactNode } from 'react';

import { asProblem, type ApiProblem } from '@/api/problem';
import { blockAssignment, changeBudget, cleanUp, insertJob } from '@/api/runs';
import type { AssignmentDetail, Harness, JobType } from '@/api/types';
import { Dialog } from '@/parts/Dialog';
import { ProblemAlert } from '@/parts/States';
import { say } from '@/shell/say';

import { HARNESSES } from '../dead-letters/search';
import type { DialogName } from './Actions';
import classes from './Assignment.module.css';

interface DialogProps {
  assignment: AssignmentDetail;
  close: () => void;
}

/** The dialogs of an assignment's actions that need more than a yes. */
export default function Dialogs({ name, ...props }: DialogProps & { name: DialogName }) {
  switch (name) {
    case 'insert':
      return <InsertJob {...props} />;
    case 'budget':
      return <ChangeBudget {...props} />;
    case 'block':
      return <Block {...props} />;
    case 'clean-up':
      return <CleanUp {...props} />;
  }
}

interface FormProps {
  title: string;
  yes: string;
  said: string;
  run: () => Promise<unknown>;
  close: () => void;
  isReady?: boolean;
  isDanger?: boolean;
  children: ReactNode;
}

function Form({ title, yes, said, run, close, isReady = true, isDanger = false, children }: FormProps) {
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const send = async () => {
    setBusy(true);
    setProblem(null);
    try {
      await run();
      say(said);
      close();
    } catch (error) {
      setProblem(asProblem(error));
      setBusy(false);
    }
  };
  return (
    <Dialog title={title} close={close}>
      <form
        className={classes.form}
        onSubmit={(event) => {
          event.preventDefault();
          if (isReady && !isBusy) void send();
        }}
      >
        {children}
        {problem ? <ProblemAlert problem={problem} /> : null}
        <div className={classes.foot}>
          <Button onClick={close}>Not now</Button>
          <Button type="submit" variant="filled" color={isDanger ? 'red.8' : undefined} loading={isBusy} disabled={!isReady}>
            {yes}
          </Button>
        </div>
      </form>
    </Dialog>
  );
}

const TYPES: JobType[] = ['implement', 'plan', 'review', 'uat', 'document', 'pm', 'chat'];

function InsertJob({ assignment, close }: DialogProps) {
  const [type, setType] = useState<JobType>('implement');
  const [harness, setHarness] = useState<Harness | null>(null);
  const [context, setContext] = useState('');
  const [after, setAfter] = useState<string | null>(null);
  const needsWords = type !== 'pm' && type !== 'review';
  return (
    <Form
      title="Insert a job"
      yes="Insert"
      said="The job is in the line"
      run={() => insertJob(assignment.id, { type, context, ...(harness ? { harness } : {}) }, after)}
      close={close}
      isReady={!needsWords || context.trim() !== ''}
    >
      <Textarea label="What the agent is told, beside the north star" value={context} onChange={(event) => setContext(event.currentTarget.value)} autosize minRows={4} maxRows={14} data-autofocus />
      <div className={classes.fields}>
        <Select label="Kind" data={TYPES} value={type} onChange={(value) => setType((value as JobType | null) ?? 'implement')} allowDeselect={false} />
        <Select label="Agent" placeholder="as the assignment says" data={[...HARNESSES]} value={harness} onChange={(value) => setHarness(value as Harness | null)} clearable />
        <Select
          label="Place"
          placeholder="at the end"
          data={assignment.jobs.map((job) => ({ value: job.id, label: `behind ${job.position} ${job.spec.type}` }))}
          value={after}
          onChange={setAfter}
          clearable
        />
      </div>
      {assignment.status !== 'active' ? <p className={classes.none}>The assignment is {assignment.status}: the job begins when it goes on.</p> : null}
    </Form>
  );
}

function ChangeBudget({ assignment, close }: DialogProps) {
  const { budget } = assignment;
  const [runs, setRuns] = useState<number | string>(budget.runs ?? '');
  const [minutes, setMinutes] = useState<number | string>(budget.wall_secs ? budget.wall_secs / 60 : '');
  const [tokens, setTokens] = useState<number | string>(budget.tokens ?? '');
  const [dollars, setDollars] = useState<number | string>(budget.cost_micros ? budget.cost_micros / 1_000_000 : '');
  const given = (value: number | string, times = 1) => (typeof value === 'number' && value > 0 ? Math.round(value * times) : null);
  return (
    <Form
      title="Budget"
      yes="Change it"
      said="The budget is changed"
      run={() => changeBudget(assignment.id, { runs: given(runs), wall_secs: given(minutes, 60), tokens: given(tokens), cost_micros: given(dollars, 1_000_000) })}
      close={close}
    >
      <p className={classes.none}>What is left empty is not limited. At a limit the assignment is blocked for you.</p>
      <div className={classes.pair}>
        <NumberInput size="xs" label="Runs of an agent" value={runs} onChange={setRuns} min={1} allowDecimal={false} data-autofocus />
        <NumberInput size="xs" label="Time, in minutes" value={minutes} onChange={setMinutes} min={1} />
        <NumberInput size="xs" label="Tokens" value={tokens} onChange={setTokens} min={1} allowDecimal={false} thousandSeparator="," />
        <NumberInput size="xs" label="Cost, in dollars" value={dollars} onChange={setDollars} min={0} decimalScale={2} prefix="$" />
      </div>
    </Form>
  );
}

function Block({ assignment, close }: DialogProps) {
  const [owner, setOwner] = useState('person');
  const [reason, setReason] = useState('');
  const [action, setAction] = useState('');
  return (
    <Form
      title="Block it for a person"
      yes="Block"
      said="Blocked"
      run={() => blockAssignment(assignment.id, { owner: owner.trim() || 'person', reason: reason.trim(), action: action.trim() })}
      close={close}
      isReady={reason.trim() !== '' && action.trim() !== ''}
    >
      <TextInput label="Why" value={reason} onChange={(event) => setReason(event.currentTarget.value)} data-autofocus />
      <TextInput label="What has to be done" value={action} onChange={(event) => setAction(event.currentTarget.value)} />
      <TextInput label="By whom" value={owner} onChange={(event) => setOwner(event.currentTarget.value)} />
      <p className={classes.none}>What runs goes on to its end; no other job of it starts until somebody lets it go on.</p>
    </Form>
  );
}

function CleanUp({ assignment, close }: DialogProps) {
  const [bundle, setBundle] = useState(true);
  return (
    <Form title="Remove its workspace" yes="Remove it" said="The workspace is removed" run={() => cleanUp(assignment.id, bundle)} close={close} isDanger>
      <p className={classes.none}>Its clone is removed once all that was committed is proved to be elsewhere. The assignment, its jobs and transcripts stay.</p>
      <Checkbox size="xs" label="Write what is on no branch of the repository to a bundle first; without this it forbids the removal" checked={bundle} onChange={(event) => setBundle(event.currentTarget.checked)} />
    </Form>
  );
}
