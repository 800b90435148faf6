import { memo } from 'react';

import type { AgentSession } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed, RelativeTime } from '@/parts/times';
import { shortSpan, span } from '@/parts/timewords';
import { sessionTitle } from '@/pages/work/sessionWords';
import { ToolNow } from '@/pages/work/ToolNow';

import classes from './agents.module.css';
import { percent } from './steps';

/** One agent in one line: whether it works, on what, the tool in its hands and for how long, what it did last, and how its tools went. */
export const AgentRow = memo(function AgentRow({ session, showProject }: { session: AgentSession; showProject: boolean }) {
  const { status, current_tool: tool } = session;
  const isOver = status === 'ended';
  return (
    <div className={classes.row} data-over={isOver || undefined}>
      <span className={classes.status}>
        <StatusWord status={status} />
      </span>
      <span className={classes.title}>{sessionTitle(session)}</span>
      <span className={classes.tool}>
        {!isOver && tool ? (
          <ToolNow session={session} tool={tool} short />
        ) : status === 'idle' ? (
          <>
            idle for <Elapsed from={session.last_activity_at} to={null} short />
          </>
        ) : (
          ''
        )}
      </span>
      <span className={classes.last}>{lastOf(session)}</span>
      <span className={classes.agent}>
        {[cleanLine(session.harness), session.kind === 'manual' && 'manual', showProject && session.project && cleanLine(session.project)].filter(Boolean).join(' · ')}
      </span>
      <span className={classes.figures}>{figures(session)}</span>
      <span className={classes.when}>{isOver && session.ended_at ? shortSpan(Date.parse(session.ended_at) - Date.parse(session.started_at)) : <RelativeTime at={session.last_activity_at} />}</span>
    </div>
  );
});

/** What it did last. While a tool is in its hands that is this tool, which the row has named already. */
function lastOf({ status, current_tool: tool, end_reason, last_activity }: AgentSession): string {
  if (status === 'ended') return cleanLine(end_reason ?? last_activity);
  return tool && last_activity.includes(tool.name) ? '' : cleanLine(last_activity);
}

/** `24 tools · 96 % · 1 s`. */
function figures({ status, tools_used: used, success_rate: rate, mean_duration_ms: mean }: AgentSession): string {
  if (used === 0) return status === 'ended' ? 'no tools' : 'no tools yet';
  return [used === 1 ? '1 tool' : `${used} tools`, percent(rate) && `${percent(rate)} good`, mean ? `${span(mean)} each` : null].filter(Boolean).join(' · ');
}
