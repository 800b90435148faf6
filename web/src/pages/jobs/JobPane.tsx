import { Button, Group } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import type { JobOfWork } from '@/api/jobs';
import { explanation } from '@/api/runs';
import { cleanLine } from '@/parts/clean';
import { AssignmentLink, JobLink } from '@/parts/LinkTo';
import { count, money } from '@/parts/Money';
import { PaneHead } from '@/parts/PaneHead';
import { Properties } from '@/parts/SplitPage';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed, RelativeTime } from '@/parts/times';
import { toDo } from '@/parts/toDo';
import { Why } from '@/parts/Why';

import { JobActions } from '../attempt/JobActions';
import pane from '../work/pane.module.css';
import { agentOf, whyOf } from './words';

/** What is known of a job, and what can be done about it. */
export function JobPane({ row, open, close }: { row: JobOfWork; open: () => void; close: () => void }) {
  const { job, work } = row;
  // A job of its own words says more than its row has room for.
  const said = useQuery(explanation(job.assignment_id, job.id)).data;
  const why = said ? { summary: said.summary, until: said.hold?.until } : whyOf(row);
  const tokens = (job.usage.input_tokens ?? 0) + (job.usage.output_tokens ?? 0);
  return (
    <>
      <PaneHead status={<StatusWord status={job.status} />} title={work ? cleanLine(work.title) : job.spec.type} why={<Why {...why} />} close={close} />
      {said?.hold?.hint ? <p className={pane.action}>{toDo(said.hold.hint)}</p> : null}
      <Group gap={6} mt="xs">
        <Button variant="filled" onClick={open}>
          Open
        </Button>
        <JobActions job={job} />
      </Group>
      <Properties
        of={[
          ['Assignment', <AssignmentLink key="assignment" id={job.assignment_id} />],
          ['Project', cleanLine(job.project)],
          ['Kind', `${job.spec.type}, job ${job.position} of its line`],
          ['Judges', job.reviews && <JobLink key="reviews" id={job.reviews} />],
          ['Agent', agentOf(row)],
          ['Model', job.spec.model && cleanLine(job.spec.model)],
          ['Worker', cleanLine(job.worker)],
          ['Attempts', job.attempts > 0 && job.attempts],
          ['Tokens', tokens > 0 && count(tokens)],
          ['Cost', money(job.cost_micros)],
          ['Priority', job.priority !== 0 && job.priority],
          ['Commit', job.commit && <code key="commit">{job.commit.slice(0, 10)}</code>],
          ['Made', <RelativeTime key="made" at={job.created_at} focusable />],
          ['Began', job.started_at && <RelativeTime key="began" at={job.started_at} focusable />],
          ['Took', job.started_at && job.ended_at && <Elapsed key="took" from={job.started_at} to={job.ended_at} />],
          ['Ended', job.ended_at && <RelativeTime key="ended" at={job.ended_at} focusable />],
          ['Id', <code key="id">{job.id}</code>],
        ]}
      />
    </>
  );
}
