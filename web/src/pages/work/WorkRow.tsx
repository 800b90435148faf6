import { IconFlag3 } from '@tabler/icons-react';
import { memo } from 'react';

import type { WorkItem } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { cost } from '@/parts/Money';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed, RelativeTime } from '@/parts/times';
import { WhyLine } from '@/parts/Why';

import { howFar, isWritten } from './jobWords';
import classes from './rows.module.css';

/** One piece of work in one line: where it stands in a word, what it is, what it does or why it waits, who does it, what it cost, when. */
export const WorkRow = memo(function WorkRow({ item, showProject }: { item: WorkItem; showProject: boolean }) {
  const job = item.status === 'running' ? item.job : null;
  return (
    <div className={classes.work} data-one={!showProject || undefined} data-over={item.ended_at ? true : undefined}>
      <span className={classes.status}>
        <StatusWord status={item.status} />
      </span>
      <span className={classes.words}>
        <span className={classes.title}>
          {item.priority > 0 ? <IconFlag3 size={13} aria-label={`Priority ${item.priority}`} className={classes.flag} /> : null}
          {cleanLine(item.title)}
        </span>
        <span className={classes.why} data-needs={item.needs_you || undefined}>
          <WhyLine
            before={job ? howFar(job) : undefined}
            summary={job?.message || item.summary}
            until={item.until}
            asWritten={isWritten(item)}
          />
        </span>
      </span>
      {showProject ? <span className={classes.project}>{cleanLine(item.project)}</span> : null}
      <span className={classes.agent}>{item.job && !item.ended_at ? [item.job.type, item.job.harness].filter(Boolean).join(' · ') : ''}</span>
      <span className={classes.cost}>{cost(item.spent)}</span>
      <span className={classes.when}>
        {job?.started_at ? <Elapsed from={job.started_at} to={null} short /> : <RelativeTime at={item.ended_at ?? item.updated_at} />}
      </span>
    </div>
  );
});
