import { ActionIcon, Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { IconX } from '@tabler/icons-react';

import { approveJob, continueAssignment, retryJob } from '@/api/commands';
import { assignment } from '@/api/queries';
import type { Need } from '@/api/types';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { ConfirmButton, RefusedButton } from '@/parts/ConfirmButton';
import { NEED_WORDS } from '@/parts/needs';
import { Properties } from '@/parts/SplitPage';
import { RelativeTime, Until } from '@/parts/times';
import { useRefusal } from '@/shell/may';
import { saying } from '@/shell/say';
import pane from '../work/pane.module.css';

/** Why it waits for a person, and the answers they can give at once. */
export function NeedPane({ need, open, close }: { need: Need; open: () => void; close: () => void }) {
  const { data } = useQuery({ ...assignment(need.assignment_id ?? ''), enabled: need.assignment_id !== null });
  return (
    <>
      <div className={pane.head}>
        <strong>{NEED_WORDS[need.kind] ?? need.kind}</strong>
        <ActionIcon aria-label="Close" onClick={close} size="sm">
          <IconX size={15} />
        </ActionIcon>
      </div>
      <h2 className={pane.title}>{cleanLine(need.title)}</h2>
      <p className={pane.why}>{capital(cleanLine(need.why))}</p>
      {need.action ? <p className={pane.action}>{capital(cleanLine(need.action))}</p> : null}
      <Group gap={6} mt="xs">
        {need.assignment_id ? (
          <Button variant="filled" onClick={open}>
            Open
          </Button>
        ) : null}
        <Answers need={need} />
      </Group>
      <Properties
        of={[
          ['Project', need.project && cleanLine(need.project)],
          ['Since', <RelativeTime key="since" at={need.since} focusable />],
          ['Ends', need.until && <Until key="until" at={need.until} />],
          ['Owner', data?.block?.owner && cleanLine(data.block.owner)],
          ['Branch', data?.branch && <code>{cleanLine(data.branch)}</code>],
        ]}
      />
    </>
  );
}

function Answers({ need }: { need: Need }) {
  const refusal = useRefusal('operate');
  const { job_id: job, assignment_id: assigned } = need;
  if (need.kind === 'guarded_change' && job)
    return (
      <ConfirmButton
        question="Let just this change of guarded paths through? Look at the diff first."
        yes="Let it through"
        refused={refusal}
        onConfirm={() => void saying('Let through; the job goes on', () => approveJob(job))}
      >
        Approve…
      </ConfirmButton>
    );
  if (need.kind === 'dead_letter' && job)
    return <Act refusal={refusal} word="Retry" run={() => saying('The job runs again', () => retryJob(job))} />;
  if (need.kind === 'blocked' && job) return <Act refusal={refusal} word="Retry the job" run={() => saying('The job runs again', () => retryJob(job))} />;
  if (need.kind === 'blocked' && assigned)
    return <Act refusal={refusal} word="Done, go on" run={() => saying('It goes on', () => continueAssignment(assigned))} />;
  return null;
}

function Act({ refusal, word, run }: { refusal: string | null; word: string; run: () => Promise<unknown> }) {
  return refusal ? <RefusedButton reason={refusal}>{word}</RefusedButton> : <Button onClick={() => void run()}>{word}</Button>;
}
