import { Button, Group } from '@mantine/core';

import { cancelOperation, type Operation } from '@/api/operations';
import { ActButton } from '@/parts/ActButton';
import { cleanLine } from '@/parts/clean';
import { AssignmentLink } from '@/parts/LinkTo';
import { PaneHead } from '@/parts/PaneHead';
import { Properties } from '@/parts/SplitPage';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed, RelativeTime } from '@/parts/times';
import { Why } from '@/parts/Why';
import { useRefusal } from '@/shell/may';

import { callbackInWords, operationInWords, TYPE_WORDS } from './words';

/** What is known of one operation in the list. */
export function OperationPane({ operation, open, close }: { operation: Operation; open: () => void; close: () => void }) {
  return (
    <>
      <PaneHead
        status={<StatusWord status={operation.status} />}
        title={cleanLine(operation.description)}
        why={<Why summary={operationInWords(operation)} until={operation.endedAt ? null : operation.hold?.until} />}
        close={close}
      />
      <Group gap={6} mt="xs">
        <Button variant="filled" onClick={open}>
          Open
        </Button>
        <CancelOperation operation={operation} />
      </Group>
      <Properties
        of={[
          ['Kind', TYPE_WORDS[operation.operationType]],
          ['Project', cleanLine(operation.project)],
          ['Assignment', <AssignmentLink key="assignment" id={operation.id} />],
          ['Organisation', cleanLine(operation.organizationId)],
          ['Session', cleanLine(operation.sessionId)],
          ['Branch', operation.branch && <code>{cleanLine(operation.branch)}</code>],
          ['Pull request', operation.approvalRequired && 'is to be made'],
          ['Requester', operation.callback && callbackInWords(operation.callback)],
          ['Made', <RelativeTime key="made" at={operation.createdAt} focusable />],
          ['Took', operation.endedAt && <Elapsed from={operation.createdAt} to={operation.endedAt} />],
        ]}
      />
    </>
  );
}

export function CancelOperation({ operation }: { operation: Operation }) {
  const refusal = useRefusal('operate');
  if (operation.endedAt) return null;
  return (
    <ActButton
      done="Called off"
      act={() => cancelOperation(operation.id)}
      refused={refusal}
      confirm={{ question: 'Call it off, with what runs of it? What was pushed stays, and its requester is told.', yes: 'Call it off' }}
    >
      Cancel…
    </ActButton>
  );
}
