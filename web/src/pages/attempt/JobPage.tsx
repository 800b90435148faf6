import { useQuery } from '@tanstack/react-query';
import { Link, Navigate, useParams } from '@tanstack/react-router';

import { asProblem } from '@/api/problem';
import { job as jobOf } from '@/api/queries';
import { explanation } from '@/api/runs';
import { cleanLine, cleanText } from '@/parts/clean';
import { ErrorState, Skeleton } from '@/parts/States';
import { Properties } from '@/parts/SplitPage';
import { StatusWord } from '@/parts/StatusWord';
import { RelativeTime } from '@/parts/times';
import { toDo } from '@/parts/toDo';
import { Why } from '@/parts/Why';
import { keepProject } from '@/shell/project';
import { useTitle } from '@/shell/title';

import classes from './Attempt.module.css';
import { JobActions } from './JobActions';

/** A job: its last attempt, or, before there is one, what it will be and why it waits. */
export default function JobPage() {
  const { id } = useParams({ from: '/jobs/$id' });
  const asked = useQuery(jobOf(id));
  const job = asked.data;
  const why = useQuery({ ...explanation(job?.assignment_id ?? '', id), enabled: job?.attempts_list.length === 0 }).data;
  useTitle('Job');
  if (asked.isPending) return <Skeleton rows={12} />;
  if (!job) return <ErrorState problem={asProblem(asked.error)} retry={() => void asked.refetch()} />;
  const last = job.attempts_list.at(-1);
  if (last)
    return <Navigate to="/attempts/$id" params={{ id: last.id }} search={(old: { project?: string }) => ({ project: old.project, job: id })} replace />;
  return (
    <div className={classes.page}>
      <nav className={classes.crumbs} aria-label="Where this is">
        <Link to="/assignments/$id" params={{ id: job.assignment_id }} search={keepProject}>
          Its assignment
        </Link>
        <span aria-hidden>›</span>
        <span>job {job.position}</span>
      </nav>
      <div className={classes.title}>
        <h1>{job.spec.type}</h1>
        <StatusWord status={job.status} />
        <div className={classes.actions}>
          <JobActions job={job} />
        </div>
      </div>
      {why ? (
        <p className={classes.why}>
          <Why summary={why.summary} until={why.hold?.until} />
        </p>
      ) : null}
      {why?.hold?.hint ? <p className={classes.why}>{toDo(why.hold.hint)}</p> : null}
      <Properties
        of={[
          ['Agent', job.spec.harness],
          ['Model', job.spec.model && cleanLine(job.spec.model)],
          ['Worker', cleanLine(job.worker)],
          ['Made', <RelativeTime key="made" at={job.created_at} focusable />],
          ['Ended', job.ended_at && <RelativeTime key="ended" at={job.ended_at} focusable />],
          ['Id', <code key="id">{job.id}</code>],
        ]}
      />
      {job.spec.context ? (
        <>
          <h2 className={classes.part}>Told beside the north star</h2>
          <p className={classes.prompt}>{cleanText(job.spec.context)}</p>
        </>
      ) : null}
    </div>
  );
}
