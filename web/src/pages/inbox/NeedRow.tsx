import { memo } from 'react';

import type { Need, NeedKind } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { RelativeTime } from '@/parts/times';
import { Why } from '@/parts/Why';

import classes from './inbox.module.css';

export const KIND_WORDS: Record<NeedKind, string> = {
  blocked: 'Blocked',
  guarded_change: 'Guarded change',
  secret: 'Secret found',
  dead_letter: 'Dead letter',
  budget: 'Budget spent',
  no_worker: 'No worker',
  breaker: 'Agent out of order',
  storage: 'Storage',
};

/** One thing that waits for a person: what it is, why, and what they can do, in two lines. */
export const NeedRow = memo(function NeedRow({ need, showProject }: { need: Need; showProject: boolean }) {
  return (
    <div className={classes.need}>
      <span className={classes.kind}>{KIND_WORDS[need.kind] ?? need.kind}</span>
      <span className={classes.title}>{cleanLine(need.title)}</span>
      <span className={classes.when}>
        {showProject && need.project ? `${cleanLine(need.project)} · ` : ''}
        <RelativeTime at={need.since} />
      </span>
      <span className={classes.why}>
        <Why summary={need.why} until={need.until} />
        {need.action ? <b> {cleanLine(need.action)}</b> : null}
      </span>
    </div>
  );
});
