import { memo } from 'react';

import type { JobOfWork } from '@/api/jobs';
import { cleanLine } from '@/parts/clean';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed, RelativeTime } from '@/parts/times';
import { WhyLine } from '@/parts/Why';

import rows from '../work/rows.module.css';
import classes from './jobs.module.css';
import { agentOf, whyOf } from './words';

/** One job in one line: where it stands, what it is for, what it does or why it waits, what kind it is and who runs it, when. */
export const JobRow = memo(function JobRow({ row, showProject }: { row: JobOfWork; showProject: boolean }) {
  const { job, work } = row;
  const isRunning = job.status === 'running';
  return (
    <div className={`${rows.work} ${classes.job}`} data-over={job.ended_at ? true : undefined}>
      <span className={rows.status}>
        <StatusWord status={job.status} />
      </span>
      <span className={rows.title}>
        <span className={classes.type}>{job.spec.type}</span> {work ? cleanLine(work.title) : job.assignment_id}
      </span>
      <span className={rows.why}>
        <WhyLine {...whyOf(row)} />
      </span>
      <span className={rows.project}>{showProject ? cleanLine(job.project) : ''}</span>
      <span className={rows.agent}>{[agentOf(row), job.worker !== 'default' && cleanLine(job.worker)].filter(Boolean).join(' · ')}</span>
      <span className={rows.when}>
        {isRunning && job.started_at ? <Elapsed from={work?.job?.id === job.id ? (work.job.started_at ?? job.started_at) : job.started_at} to={null} short /> : <RelativeTime at={job.ended_at ?? job.created_at} />}
      </span>
    </div>
  );
});
