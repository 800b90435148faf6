import { memo } from 'react';

import type { AgentSession } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { StatusWord } from '@/parts/StatusWord';
import { RelativeTime } from '@/parts/times';

import { sessionKind, sessionTitle, toolsInWords } from './sessionWords';
import classes from './rows.module.css';
import { ToolNow } from './ToolNow';

/** One session in one line: whether it does something, what it is, what it does now or did last, its tools, since when. */
export const SessionRow = memo(function SessionRow({ session, showProject }: { session: AgentSession; showProject: boolean }) {
  const tool = session.status === 'ended' ? null : session.current_tool;
  return (
    <div className={classes.session} data-over={session.status === 'ended' || undefined}>
      <span className={classes.status}>
        <StatusWord status={session.status} />
      </span>
      <span className={classes.title}>{sessionTitle(session)}</span>
      <span className={classes.why}>
        {tool ? (
          <ToolNow session={session} tool={tool} short />
        ) : (
          cleanLine(session.status === 'ended' ? (session.end_reason ?? session.last_activity) : session.last_activity)
        )}
      </span>
      <span className={classes.project}>{showProject && session.project ? cleanLine(session.project) : ''}</span>
      <span className={classes.agent}>
        {session.kind === 'manual' ? 'manual' : sessionKind(session)} · {cleanLine(session.harness)}
      </span>
      <span className={classes.figures}>{toolsInWords(session)}</span>
      <span className={classes.when}>
        <RelativeTime at={session.ended_at ?? session.last_activity_at} />
      </span>
    </div>
  );
});
