import { ActionIcon, Button, Group } from '@mantine/core';
import { IconX } from '@tabler/icons-react';

import type { WorkItem } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { ExternalLink } from '@/parts/ExternalLink';
import { cost, count, money } from '@/parts/Money';
import { Places } from '@/parts/Places';
import { Properties } from '@/parts/SplitPage';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed, RelativeTime } from '@/parts/times';
import { span } from '@/parts/timewords';
import { toDo } from '@/parts/toDo';
import { Why } from '@/parts/Why';

import { howFar, isWritten, jobName } from './jobWords';
import { WorkActions } from './WorkActions';
import classes from './pane.module.css';

/** What is known of one piece of work, and what can be done about it. */
export function WorkPane({ item, open, close }: { item: WorkItem; open: () => void; close: () => void }) {
  const { job, pull_request, budget, spent } = item;
  const isRunning = item.status === 'running';
  return (
    <>
      <div className={classes.head}>
        <StatusWord status={item.status} />
        <ActionIcon aria-label="Close" onClick={close} size="sm">
          <IconX size={15} />
        </ActionIcon>
      </div>
      <h2 className={classes.title}>{cleanLine(item.title)}</h2>
      <p className={classes.why} data-needs={item.needs_you || undefined}>
        <Why summary={item.summary} until={item.until} asWritten={isWritten(item)} />
      </p>
      {item.action ? <p className={classes.action}>{(isWritten(item) ? cleanLine : toDo)(item.action)}</p> : null}
      {item.action ? <Places text={item.action} project={item.project} job={job?.id} /> : null}
      <Group gap={6} mt="xs">
        <Button variant="filled" onClick={open}>
          Open
        </Button>
        <WorkActions item={item} />
      </Group>
      <Properties
        of={[
          ['Project', cleanLine(item.project)],
          ['Jobs', `${item.jobs_over} of ${item.jobs_total} over`],
          [jobName(item), job && [job.type, job.harness, job.worker && `worker ${cleanLine(job.worker)}`].filter(Boolean).join(' · ')],
          ['Phase', isRunning && job && [job.phase, howFar(job)].filter(Boolean).join(' · ')],
          ['Says', isRunning && job?.message && cleanLine(job.message)],
          ['Attempts', job && job.attempts > 1 && job.attempts],
          ['Running for', isRunning && job?.started_at && <Elapsed from={job.started_at} to={null} />],
          ['Branch', item.branch && <code>{cleanLine(item.branch)}</code>],
          [
            'Pull request',
            pull_request && <ExternalLink href={pull_request.url}>{`#${pull_request.number} ${pull_request.state}`}</ExternalLink>,
          ],
          ['Runs', of(spent.runs, budget.runs)],
          ['Tokens', of(spent.tokens, budget.tokens, count)],
          ['Cost', budget.cost_micros ? `${cost(spent) ?? '$0.00'} of ${money(budget.cost_micros)}` : cost(spent)],
          ['Agents ran', spent.wall_ms ? span(spent.wall_ms) : null],
          ['Priority', item.priority !== 0 && item.priority],
          ['Source', cleanLine(item.source)],
          ['Made', <RelativeTime key="made" at={item.created_at} focusable />],
          ['Changed', !item.ended_at && <RelativeTime key="changed" at={item.updated_at} focusable />],
          ['Ended', item.ended_at && <RelativeTime key="ended" at={item.ended_at} focusable />],
          ['Id', <code key="id">{item.id}</code>],
        ]}
      />
    </>
  );
}

/** What was used of a limit: `2 of 50`, without a limit `2`, nothing for nothing. */
function of(used = 0, limit: number | null | undefined, words: (value: number) => string = String): string | null {
  if (used === 0) return null;
  return limit ? `${words(used)} of ${words(limit)}` : words(used);
}
