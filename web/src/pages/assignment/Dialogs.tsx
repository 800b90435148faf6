import { Checkbox, TextInput } from '@mantine/core';
import { useState } from 'react';

import { approveJob, cancelAssignment } from '@/api/commands';
import { blockAssignment, changeBudget, cleanUp, completeAssignment } from '@/api/runs';
import type { AssignmentDetail, Job } from '@/api/types';
import { BudgetFields } from '@/parts/BudgetFields';
import { FormDialog } from '@/parts/FormDialog';
import { budgetOf, budgetText, isWrongBudget } from '@/parts/forms';
import { say } from '@/shell/say';

import RetryDialog from '../attempt/RetryDialog';
import type { DialogName } from './Actions';
import classes from './Assignment.module.css';
import { CALL_OFF, completing, LET_THROUGH } from './endWords';
import { InsertJob } from './InsertJob';

interface DialogProps {
  assignment: AssignmentDetail;
  close: () => void;
}

/** The dialogs of an assignment's actions that need more than a yes. */
export default function Dialogs({ name, failed, ...props }: DialogProps & { name: DialogName; failed: Job | null }) {
  switch (name) {
    case 'insert':
      return <InsertJob {...props} />;
    case 'budget':
      return <ChangeBudget {...props} />;
    case 'block':
      return <Block {...props} />;
    case 'retry':
      return failed ? <RetryDialog job={failed} close={props.close} /> : null;
    case 'complete':
      return <Complete {...props} />;
    case 'cancel':
      return <Confirm title="Call it off" words={CALL_OFF} yes="Call it off" done="Called off" isDanger act={() => cancelAssignment(props.assignment.id)} close={props.close} />;
    case 'approve':
      return failed ? <Confirm title="Approve" words={LET_THROUGH} yes="Let it through" done="Let through; the job goes on" act={() => approveJob(failed.id)} close={props.close} /> : null;
    case 'clean-up':
      return <CleanUp {...props} />;
  }
}

function ChangeBudget({ assignment, close }: DialogProps) {
  const [budget, setBudget] = useState(() => budgetText(assignment.budget));
  const send = async () => {
    await changeBudget(assignment.id, budgetOf(budget) ?? {});
    say('The budget is changed');
    close();
  };
  return (
    <FormDialog title="Budget" size="xl" yes="Change it" isWrong={isWrongBudget(budget)} send={send} close={close}>
      {() => (
        <>
          <p className={classes.none}>What is left empty is not limited. At a limit the assignment waits for you.</p>
          <BudgetFields value={budget} onChange={setBudget} />
        </>
      )}
    </FormDialog>
  );
}

function Block({ assignment, close }: DialogProps) {
  // One that is blocked already keeps what it says until somebody says otherwise.
  const { block } = assignment;
  const [owner, setOwner] = useState(block?.owner ?? 'person');
  const [reason, setReason] = useState(block?.reason ?? '');
  const [action, setAction] = useState(block?.action ?? '');
  const isMissing = (text: string) => text.trim() === '';
  const send = async () => {
    await blockAssignment(assignment.id, { owner: owner.trim() || 'person', reason: reason.trim(), action: action.trim() });
    say(block ? 'It says so now' : 'Blocked');
    close();
  };
  return (
    <FormDialog title={block ? 'Say who has to act' : 'Block it for a person'} yes={block ? 'Say it' : 'Block'} isWrong={isMissing(reason) || isMissing(action)} isKept={reason !== (block?.reason ?? '')} send={send} close={close}>
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

/** Asks whether it is meant. */
function Confirm({ title, words, yes, done, refused, isDanger, act, close }: { title: string; words: string; yes: string; done: string; refused?: string | null; isDanger?: boolean; act: () => Promise<unknown>; close: () => void }) {
  const send = async () => {
    await act();
    say(done);
    close();
  };
  return (
    <FormDialog title={title} yes={yes} refused={refused} isDanger={isDanger} send={send} close={close}>
      {() => <p className={classes.none}>{refused ?? words}</p>}
    </FormDialog>
  );
}

function Complete({ assignment, close }: DialogProps) {
  const { means, refused } = completing(assignment.jobs);
  return <Confirm title="Say that it is complete" words={means} yes="It is complete" done="It is complete" refused={refused} act={() => completeAssignment(assignment.id)} close={close} />;
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
