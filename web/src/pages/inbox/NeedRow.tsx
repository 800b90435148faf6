import { memo } from 'react';

import type { Need } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { NEED_WORDS } from '@/parts/needs';
import { stopped } from '@/parts/sentences';
import { RelativeTime } from '@/parts/times';
import { toDo } from '@/parts/toDo';
import { Why } from '@/parts/Why';

import { useIsWritten } from './blocked';
import classes from './inbox.module.css';

/** One thing that waits for a person: what it is, why, and what they can do, in two lines. */
export const NeedRow = memo(function NeedRow({ need, showProject }: { need: Need; showProject: boolean }) {
  const isWritten = useIsWritten(need);
  return (
    <div className={classes.need}>
      <span className={classes.kind}>{NEED_WORDS[need.kind] ?? need.kind}</span>
      <span className={classes.title}>{cleanLine(need.title)}</span>
      <span className={classes.when}>
        {showProject && need.project ? `${cleanLine(need.project)} · ` : ''}
        <RelativeTime at={need.since} />
      </span>
      <span className={classes.why}>
        <Why summary={need.action && !need.until ? stopped(cleanLine(need.why)) : need.why} until={need.until} asWritten={isWritten} />
        {need.action ? (
          <>
            {need.until ? '.' : ''} <b>{isWritten ? cleanLine(need.action) : toDo(need.action)}</b>
          </>
        ) : null}
      </span>
    </div>
  );
});
