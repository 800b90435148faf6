import { useQuery } from '@tanstack/react-query';
import { Link, useParams } from '@tanstack/react-router';
import { useCallback, useMemo } from 'react';

import { activity, agentMetrics } from '@/api/activity';
import { asProblem } from '@/api/problem';
import { session as question } from '@/api/queries';
import { cleanLine } from '@/parts/clean';
import { serverNow, useTimeText } from '@/parts/clock';
import { AssignmentLink, AttemptLink } from '@/parts/LinkTo';
import { ListFrame } from '@/parts/ListFrame';
import { PageHead } from '@/parts/PageHead';
import { Properties } from '@/parts/SplitPage';
import { EmptyState, ErrorState, Skeleton } from '@/parts/States';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed, RelativeTime } from '@/parts/times';
import { day } from '@/parts/timewords';
import { useUrl } from '@/parts/useUrl';
import { keepProject } from '@/shell/project';
import { useTitle } from '@/shell/title';
import { sessionKind, sessionTitle, toolsInWords } from '@/pages/work/sessionWords';
import { ToolNow } from '@/pages/work/ToolNow';

import classes from './agents.module.css';
import { StepRow } from './StepRow';
import { stepsOf, type Step } from './steps';
import { ToolTable } from './ToolTable';

const NOTHING: Step[] = [];
const keyOf = (step: Step) => String(step.number);

/** One agent's session: what it is, how its tools went, and all that it did, the newest first. */
export default function AgentPage() {
  const { id } = useParams({ from: '/agents/$id' });
  const [{ row: current }, change] = useUrl<{ row?: string }>();
  const asking = useQuery(question(id));
  const did = useQuery(activity(id));
  const metrics = useQuery(agentMetrics({ session: id })).data;
  const steps = useMemo(() => (did.data ? stepsOf(did.data.items) : NOTHING), [did.data]);
  const today = useTimeText((now) => new Date(now).toDateString());
  const groupOf = useCallback((step: Step) => (today ? day(Date.parse(step.at), serverNow()) : ''), [today]);
  useTitle(asking.data ? sessionTitle(asking.data) : 'Session');
  if (asking.isPending) return <Skeleton rows={12} />;
  if (!asking.data) return <ErrorState problem={asProblem(asking.error)} retry={() => void asking.refetch()} />;
  const session = asking.data;
  const tool = session.status === 'ended' ? null : session.current_tool;
  return (
    <>
      <PageHead
        title={sessionTitle(session)}
        about={
          <Link to="/agents" search={keepProject}>
            all agents
          </Link>
        }
      />
      <div className={classes.page}>
        <div className={classes.about}>
          <p className={classes.now}>
            <StatusWord status={session.status} />{' '}
            {tool ? (
              <ToolNow session={session} tool={tool} />
            ) : session.status === 'idle' ? (
              <>
                for <Elapsed from={session.last_activity_at} to={null} />, last: {cleanLine(session.last_activity)}
              </>
            ) : (
              cleanLine(session.end_reason ?? session.last_activity)
            )}
          </p>
          <Properties
            of={[
              ['Tools', toolsInWords(session)],
              ['Agent', cleanLine(session.harness)],
              ['Model', session.model && cleanLine(session.model)],
              ['Kind', session.kind === 'manual' ? 'started by a person' : sessionKind(session)],
              ['Project', session.project && cleanLine(session.project)],
              ['Assignment', session.assignment_id && <AssignmentLink id={session.assignment_id} />],
              ['Attempt', session.attempt_id && <AttemptLink id={session.attempt_id}>Its transcript</AttemptLink>],
              ['Folder', session.cwd && <code>{cleanLine(session.cwd)}</code>],
              ['Its own id', session.agent_session_id && <code>{cleanLine(session.agent_session_id)}</code>],
              ['Began', <RelativeTime key="began" at={session.started_at} focusable />],
              [session.ended_at ? 'Took' : 'For', <Elapsed key="for" from={session.started_at} to={session.ended_at} />],
            ]}
          />
          <div className={classes.tools}>
            {metrics && metrics.by_tool.length > 0 ? <ToolTable tools={metrics.by_tool} /> : null}
          </div>
        </div>
        <div className={classes.timeline}>
          {(did.data?.items[0]?.number ?? 1) > 1 ? <p className={classes.part}>What it did before is no longer kept.</p> : null}
          <ListFrame
            label="What it did"
            rows={steps}
            asking={did}
            rowKey={keyOf}
            groupOf={groupOf}
            current={current}
            setCurrent={(row) => change({ row })}
            renderRow={(step) => <StepRow step={step} />}
            empty={<EmptyState title="It has done nothing yet">Its first prompt, tool or word would be here.</EmptyState>}
          />
        </div>
      </div>
    </>
  );
}
