import { Checkbox, NumberInput, TextInput } from '@mantine/core';
import { useState } from 'react';

import { blockAssignment, changeBudget, cleanUp } from '@/api/runs';
import type { AssignmentDetail } from '@/api/types';
import { FormDialog } from '@/parts/FormDialog';
import { say } from '@/shell/say';

import type { DialogName } from './Actions';
import classes from './Assignment.module.css';
import { InsertJob } from './InsertJob';

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

function ChangeBudget({ assignment, close }: DialogProps) {
  const { budget } = assignment;
  const [runs, setRuns] = useState<number | string>(budget.runs ?? '');
  const [minutes, setMinutes] = useState<number | string>(budget.wall_secs ? budget.wall_secs / 60 : '');
  const [tokens, setTokens] = useState<number | string>(budget.tokens ?? '');
  const [dollars, setDollars] = useState<number | string>(budget.cost_micros ? budget.cost_micros / 1_000_000 : '');
  const given = (value: number | string, times = 1) => (typeof value === 'number' && value > 0 ? Math.round(value * times) : null);
  const send = async () => {
    await changeBudget(assignment.id, { runs: given(runs), wall_secs: given(minutes, 60), tokens: given(tokens), cost_micros: given(dollars, 1_000_000) });
    say('The budget is changed');
    close();
  };
  return (
    <FormDialog title="Budget" yes="Change it" send={send} close={close}>
      {() => (
        <>
          <p className={classes.none}>What is left empty is not limited. At a limit the assignment is blocked for you.</p>
          <div className={classes.pair}>
            <NumberInput size="xs" label="Runs of an agent" value={runs} onChange={setRuns} min={1} allowDecimal={false} data-autofocus />
            <NumberInput size="xs" label="Time, in minutes" value={minutes} onChange={setMinutes} min={1} />
            <NumberInput size="xs" label="Tokens" value={tokens} onChange={setTokens} min={1} allowDecimal={false} thousandSeparator="," />
            <NumberInput size="xs" label="Cost, in dollars" value={dollars} onChange={setDollars} min={0} decimalScale={2} prefix="$" />
          </div>
        </>
      )}
    </FormDialog>
  );
}

function Block({ assignment, close }: DialogProps) {
  const [owner, setOwner] = useState('person');
  const [reason, setReason] = useState('');
  const [action, setAction] = useState('');
  const isMissing = (text: string) => text.trim() === '';
  const send = async () => {
    await blockAssignment(assignment.id, { owner: owner.trim() || 'person', reason: reason.trim(), action: action.trim() });
    say('Blocked');
    close();
  };
  return (
    <FormDialog title="Block it for a person" yes="Block" isWrong={isMissing(reason) || isMissing(action)} isKept={!isMissing(reason)} send={send} close={close}>
      {(isAsked) => (
        <>
          <TextInput label="Why" value={reason} onChange={(event) => setReason(event.currentTarget.value)} error={isAsked && isMissing(reason) && 'Say why.'} data-autofocus />
          <TextInput label="What has to be done" value={action} onChange={(event) => setAction(event.currentTarget.value)} error={isAsked && isMissing(action) && 'Say what.'} />
          <TextInput label="By whom" value={owner} onChange={(event) => setOwner(event.currentTarget.value)} />
          <p className={classes.none}>What runs goes on to its end; no other job of it starts until somebody lets it go on.</p>
        </>
      )}
    </FormDialog>
  );
}

function CleanUp({ assignment, close }: DialogProps) {
  const [bundle, setBundle] = useState(true);
  const send = async () => {
    await cleanUp(assignment.id, bundle);
    say('The workspace is removed');
    close();
  };
  return (
    <FormDialog title="Remove its workspace" yes="Remove it" isDanger send={send} close={close}>
      {() => (
        <>
          <p className={classes.none}>Its clone is removed once all that was committed is proved to be elsewhere. The assignment, its jobs and transcripts stay.</p>
          <Checkbox size="xs" label="Write what is on no branch of the repository to a bundle first; without this it forbids the removal" checked={bundle} onChange={(event) => setBundle(event.currentTarget.checked)} />
        </>
      )}
    </FormDialog>
  );
}
