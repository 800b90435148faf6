import { Button, Menu } from '@mantine/core';
import { IconChevronDown } from '@tabler/icons-react';
import { useState } from 'react';

import { approveJob, cancelAssignment, continueAssignment, retryJob } from '@/api/commands';
import type { AssignmentDetail } from '@/api/types';
import { ConfirmButton, RefusedButton } from '@/parts/ConfirmButton';
import { namesBudget } from '@/parts/verbPlaces';
import { useDoable, type Doable } from '@/shell/doable';
import { late } from '@/shell/late';
import { useRefusal } from '@/shell/may';
import { saying } from '@/shell/say';

import { CALL_OFF, LET_THROUGH } from './endWords';
import { failedJob } from './standing';

const Dialogs = late(() => import('./Dialogs'));
export type DialogName = 'approve' | 'insert' | 'budget' | 'block' | 'retry' | 'complete' | 'cancel' | 'clean-up';

/** What can be done about an assignment where it stands now; `action` is what its page tells to do. */
export function Actions({ assignment, action }: { assignment: AssignmentDetail; action: string | null }) {
  const refusal = useRefusal('operate');
  const [dialog, setDialog] = useState<DialogName | null>(null);
  const { id, status } = assignment;
  const isOver = status === 'complete' || status === 'cancelled';
  const failed = failedJob(assignment);
  const act = (word: string, run: () => unknown, isMain = false) =>
    refusal ? (
      <RefusedButton reason={refusal}>{word}</RefusedButton>
    ) : (
      <Button variant={isMain ? 'filled' : 'default'} onClick={() => void run()}>
        {word}
      </Button>
    );
  const isGuarded = failed?.failure?.kind === 'guarded_change';
  const goOn = () => void saying('It goes on', () => continueAssignment(id));
  const isStuck = status === 'blocked' && !failed;
  const dialogs: [is: boolean, does: string, name: DialogName][] = [
    [isGuarded, 'Approve the change…', 'approve'],
    [failed !== null, 'Edit and retry the job…', 'retry'],
    [!isOver, 'Cancel…', 'cancel'],
    [true, 'Change its budget…', 'budget'],
    [true, 'Insert job…', 'insert'],
    [!isOver, 'Say that it is complete…', 'complete'],
    [!isOver, status === 'blocked' ? 'Say who has to act…' : 'Block it for a person…', 'block'],
    [isOver, 'Remove its workspace…', 'clean-up'],
  ];
  const doable: Doable[] = [
    ...(failed && !isGuarded ? [{ does: 'Retry the job', run: () => void saying('The job runs again', () => retryJob(failed.id)) }] : []),
    ...(isStuck ? [{ does: 'Done, go on', run: goOn }] : []),
    ...dialogs.filter(([is]) => is).map(([, does, name]) => ({ does, run: () => setDialog(name) })),
  ];
  useDoable(refusal ? [] : doable);
  return (
    <>
      {isGuarded ? (
        <ConfirmButton
          question={LET_THROUGH}
          yes="Let it through"
          refused={refusal}
          onConfirm={() => void saying('Let through; the job goes on', () => approveJob(failed.id))}
        >
          Approve…
        </ConfirmButton>
      ) : null}
      {failed ? act('Retry the job', () => saying('The job runs again', () => retryJob(failed.id)), !isGuarded) : null}
      {isStuck ? act('Done, go on', goOn, true) : null}
      {action && namesBudget(action) ? act('Change its budget…', () => setDialog('budget')) : null}
      {act('Insert job…', () => setDialog('insert'))}
      {isOver ? null : (
        <ConfirmButton
          question={CALL_OFF}
          yes="Call it off"
          refused={refusal}
          onConfirm={() => void saying('Called off', () => cancelAssignment(id))}
        >
          Cancel…
        </ConfirmButton>
      )}
      {refusal ? (
        <RefusedButton reason={refusal}>More</RefusedButton>
      ) : (
        <Menu position="bottom-end">
          <Menu.Target>
            <Button rightSection={<IconChevronDown size={13} aria-hidden />}>More</Button>
          </Menu.Target>
          <Menu.Dropdown>
            {isOver ? null : <Menu.Item onClick={() => setDialog('complete')}>Say that it is complete…</Menu.Item>}
            {failed ? <Menu.Item onClick={() => setDialog('retry')}>Edit and retry the job…</Menu.Item> : null}
            {isOver ? null : <Menu.Item onClick={() => setDialog('block')}>{status === 'blocked' ? 'Say who has to act…' : 'Block it for a person…'}</Menu.Item>}
            {isOver || (status === 'blocked' && failed) ? <Menu.Item onClick={goOn}>{isOver ? 'Open it again' : 'Go on without a retry'}</Menu.Item> : null}
            <Menu.Item onClick={() => setDialog('budget')}>Change its budget…</Menu.Item>
            {isOver ? <Menu.Item onClick={() => setDialog('clean-up')}>Remove its workspace…</Menu.Item> : null}
          </Menu.Dropdown>
        </Menu>
      )}
      {dialog ? <Dialogs name={dialog} assignment={assignment} failed={failed} close={() => setDialog(null)} /> : null}
    </>
  );
}
