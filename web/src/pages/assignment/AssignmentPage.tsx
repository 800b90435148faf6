import { useQuery } from '@tanstack/react-query';
import { Link, useParams, useSearch } from '@tanstack/react-router';
import { useState } from 'react';

import { asProblem } from '@/api/problem';
import { assignment as assignmentOf } from '@/api/queries';
import { explanation, findingsOf } from '@/api/runs';
import type { AssignmentDetail } from '@/api/types';
import { cleanLine, cleanText } from '@/parts/clean';
import { Places } from '@/parts/Places';
import { ErrorState, Skeleton } from '@/parts/States';
import { StatusWord } from '@/parts/StatusWord';
import { Why } from '@/parts/Why';
import { late } from '@/shell/late';
import { useTitle } from '@/shell/title';

import { Actions } from './Actions';
import classes from './Assignment.module.css';
import { Facts } from './Facts';
import { Findings } from './Findings';
import { LineOfJobs } from './LineOfJobs';
import { MessageBox } from './MessageBox';
import { Messages } from './Messages';
import { failedJob, presentJob, standing } from './standing';
import { Timeline } from './Timeline';
import { Verdicts } from './Verdicts';

const DiffView = late(() => import('./DiffView'));

/** One assignment: what is wanted, where it stands and why, its line of jobs, what was judged, what happened, what it changes. */
export default function AssignmentPage() {
  const { id } = useParams({ from: '/assignments/$id' });
  const asked = useQuery(assignmentOf(id));
  const title = asked.data ? titleOf(asked.data) : 'Assignment';
  useTitle(title);
  if (asked.isPending) return <Skeleton rows={14} />;
  if (!asked.data) return <ErrorState problem={asProblem(asked.error)} retry={() => void asked.refetch()} />;
  return <Loaded key={id} assignment={asked.data} />;
}

const titleOf = (assignment: AssignmentDetail) => cleanLine(assignment.north_star.split('\n').find((line) => line.trim() !== '') ?? '') || 'Without words';

function Loaded({ assignment }: { assignment: AssignmentDetail }) {
  const { tab } = useSearch({ from: '/assignments/$id' });
  const job = presentJob(assignment.jobs);
  const isOpen = job?.status === 'running' || job?.status === 'queued';
  const explained = useQuery({ ...explanation(assignment.id, job?.id ?? ''), enabled: assignment.status === 'active' && isOpen });
  const findings = useQuery(findingsOf(assignment.id)).data?.items ?? [];
  const stands = standing(assignment, explained.data);
  return (
    <>
      <header className={classes.head}>
        <div className={classes.title}>
          <StatusWord status={stands.status} />
          <h1>{titleOf(assignment)}</h1>
          <div className={classes.actions}>
            <Actions assignment={assignment} action={stands.told ?? null} />
          </div>
        </div>
        <p className={classes.why} data-needs={stands.status === 'blocked' || undefined}>
          <Why summary={stands.why} until={stands.until} asWritten />
        </p>
        {stands.action ? <p className={classes.action}>{stands.action}</p> : null}
        {stands.told ? <Places text={stands.told} project={assignment.project} job={failedJob(assignment)?.id} /> : null}
      </header>
      <nav className={classes.tabs} aria-label="Parts of the assignment">
        {TABS.map((one) => (
          <Link
            key={one.label}
            to="/assignments/$id"
            params={{ id: assignment.id }}
            search={(old: { project?: string }) => ({ project: old.project, tab: one.tab })}
            aria-current={tab === one.tab ? 'page' : undefined}
            activeOptions={{ exact: true }}
            activeProps={{}}
          >
            {one.label}
          </Link>
        ))}
      </nav>
      {tab === 'timeline' ? (
        <Timeline assignment={assignment.id} jobs={assignment.jobs} />
      ) : tab === 'diff' ? (
        <DiffView assignment={assignment} />
      ) : (
        <div className={classes.split}>
          <div className={classes.main}>
            <NorthStar text={assignment.north_star} />
            <LineOfJobs assignment={assignment} next={job} explained={explained.data} />
            <Messages jobs={assignment.jobs} />
            <Findings findings={findings} />
            <Verdicts verdicts={assignment.verdicts} jobs={assignment.jobs} />
          </div>
          <aside className={classes.side} aria-label="Facts and budget">
            <Facts assignment={assignment} />
          </aside>
        </div>
      )}
      {tab === 'diff' ? null : <MessageBox assignment={assignment} />}
    </>
  );
}

const TABS: { tab: 'timeline' | 'diff' | undefined; label: string }[] = [
  { tab: undefined, label: 'Overview' },
  { tab: 'timeline', label: 'Timeline' },
  { tab: 'diff', label: 'Changes' },
];

/** What is wanted, whole; folded when it is long. */
function NorthStar({ text }: { text: string }) {
  const [isWhole, setWhole] = useState(false);
  const clean = cleanText(text).trim();
  const lines = clean.split('\n');
  const isLong = lines.length > 10 || clean.length > 900;
  // One line is the heading already.
  if (lines.length === 1 && !isLong) return null;
  return (
    <section aria-label="What is wanted">
      <h2 className={classes.part}>What is wanted</h2>
      <p className={classes.star}>{isWhole || !isLong ? clean : `${lines.slice(0, 8).join('\n').slice(0, 800)}…`}</p>
      {isLong ? (
        <button type="button" className={classes.more} aria-expanded={isWhole} onClick={() => setWhole(!isWhole)}>
          {isWhole ? 'Less' : `All of it (${lines.length} lines)`}
        </button>
      ) : null}
    </section>
  );
}
