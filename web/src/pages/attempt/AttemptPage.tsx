import { useQuery } from '@tanstack/react-query';
import { Link, useNavigate, useParams, useSearch } from '@tanstack/react-router';

import { asProblem } from '@/api/problem';
import { assignment, job as jobOf } from '@/api/queries';
import { attempt as attemptOf, type AttemptDetail } from '@/api/runs';
import type { JobDetail } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { EmptyState, ErrorState, Skeleton } from '@/parts/States';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed } from '@/parts/times';
import { keepProject } from '@/shell/project';
import { useTitle } from '@/shell/title';

import classes from './Attempt.module.css';
import { AttemptFacts } from './AttemptFacts';
import { JobActions } from './JobActions';
import { TranscriptView } from './TranscriptView';


/** One attempt: what its agent does or did, by which stages and gates it went, and what came of it. */
export default function AttemptPage() {
  const { id } = useParams({ from: '/attempts/$id' });
  const { job: given, view = 'transcript' } = useSearch({ from: '/attempts/$id' });
  const navigate = useNavigate();
  const asked = useQuery({ ...attemptOf(id), enabled: given === undefined });
  const jobId = given ?? asked.data?.job_id;
  const ofJob = useQuery({ ...jobOf(jobId ?? ''), enabled: jobId !== undefined });
  const job = ofJob.data;
  const attempt = job?.attempts_list.find((one) => one.id === id);
  const isUnknown = jobId === undefined && !asked.isPending;
  // What the agent printed needs none of these answers: it is asked for beside them.
  return (
    <>
      {job && attempt ? (
        <Head job={job} attempt={attempt} />
      ) : isUnknown ? (
        <header className={classes.head}>
          <h1 className="unseen">Attempt</h1>
          <p className={classes.why}>
            Of <code>{cleanLine(id)}</code> only the transcript can be shown here. Open it from its assignment to see its stages and gates.
          </p>
        </header>
      ) : job ? (
        <EmptyState title="There is no such attempt">Its job has {job.attempts_list.length}, but not this one.</EmptyState>
      ) : ofJob.error ? (
        <ErrorState problem={asProblem(ofJob.error)} retry={() => void ofJob.refetch()} />
      ) : (
        <header className={classes.head}>
          <h1 className={classes.dim}>Attempt</h1>
        </header>
      )}
      {isUnknown ? null : (
        <div className={classes.tabs} role="group" aria-label="What is shown">
          {(['transcript', 'stages'] as const).map((tab) => (
            <button
              key={tab}
              type="button"
              aria-pressed={view === tab}
              onClick={() => void navigate({ to: '.', search: (old: object) => ({ ...old, view: tab === 'stages' ? tab : undefined }), replace: true })}
            >
              {tab === 'stages' ? 'Stages and facts' : 'Transcript'}
            </button>
          ))}
        </div>
      )}
      <div className={classes.split} data-tab={isUnknown ? 'transcript' : view}>
        <div className={classes.main}>
          <TranscriptView key={id} attempt={id} isLive={attempt?.status === 'running'} />
        </div>
        {isUnknown ? null : (
          <aside className={classes.side} aria-label="Stages and facts">
            {job && attempt ? <AttemptFacts attempt={attempt} job={job} /> : <Skeleton />}
          </aside>
        )}
      </div>
    </>
  );
}

function Head({ job, attempt }: { job: JobDetail; attempt: AttemptDetail }) {
  const of = useQuery(assignment(job.assignment_id)).data;
  const title = of ? cleanLine(of.north_star.split('\n')[0]!) : '';
  useTitle(`${job.spec.type} · ${title}`);
  const isLive = attempt.status === 'running';
  return (
    <header className={classes.head}>
      <nav className={classes.crumbs} aria-label="Where this is">
        <Link to="/assignments/$id" params={{ id: job.assignment_id }} search={keepProject}>
          {title || job.assignment_id}
        </Link>
        <span aria-hidden>›</span>
        <span>job {job.position}</span>
      </nav>
      <div className={classes.title}>
        <h1>
          {job.spec.type}, attempt {attempt.number}
        </h1>
        <StatusWord status={attempt.status} />
        <span className={classes.dim}>
          {attempt.harness} · <Elapsed from={attempt.started_at} to={attempt.ended_at} />
          {isLive && job.progress > 0 ? ` · ${job.progress} %` : ''}
        </span>
        {job.status !== attempt.status ? (
          <span className={classes.dim}>
            the job is <StatusWord status={job.status} />
          </span>
        ) : null}
        <div className={classes.actions}>
          <JobActions job={job} />
        </div>
      </div>
      {isLive && job.message ? <p className={classes.why}>{cleanLine(job.message)}</p> : null}
      {job.attempts_list.length > 1 ? (
        <nav className={classes.attempts} aria-label="Attempts at this job">
          {job.attempts_list.map((one) => (
            <Link
              key={one.id}
              to="/attempts/$id"
              params={{ id: one.id }}
              search={(old: { project?: string }) => ({ ...keepProject(old), job: job.id })}
              aria-current={one.id === attempt.id ? 'page' : undefined}
            >
              {one.number} {one.status}
              {one.failure ? `: ${one.failure.kind.replaceAll('_', ' ')}` : ''}
            </Link>
          ))}
        </nav>
      ) : null}
    </header>
  );
}
