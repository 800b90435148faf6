import type { AgentSession } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { Elapsed, RelativeTime } from '@/parts/times';

/**
 * The tool in an agent's hands, and for how long. Windlass sees its own agents live; of one that a person started and that has been quiet for
 * long, nobody knows whether it still is at it.
 */
export function ToolNow({ session, tool, short }: { session: AgentSession; tool: NonNullable<AgentSession['current_tool']>; short?: boolean }) {
  const name = (
    <>
      <b>{cleanLine(tool.name)}</b> {cleanLine(tool.summary)}
    </>
  );
  if (session.kind === 'manual' && session.status === 'idle')
    return (
      <>
        {name} when last heard of, <RelativeTime at={session.last_activity_at} />
      </>
    );
  return (
    <>
      {name} · <Elapsed from={tool.since} to={null} short={short} />
    </>
  );
}
