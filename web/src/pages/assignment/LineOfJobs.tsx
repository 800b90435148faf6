import { Link } from '@tanstack/react-router';
import { memo, useRef } from 'react';

import type { AssignmentDetail, Explanation, Job } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { money } from '@/parts/Money';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed } from '@/parts/times';
import { Why } from '@/parts/Why';
import { keepProject } from '@/shell/project';
import { useShortcuts } from '@/shell/shortcuts';

import classes from './Assignment.module.css';
import { jobWords } from './standing';

/** The jobs of an assignment in the order in which they run. `next` is the one that the daemon has explained. */
export function LineOfJobs({ assignment, next, explained }: { assignment: AssignmentDetail; next: Job | null; explained: Explanation | undefined }) {
  const { jobs } = assignment;
  const list = useRef<HTMLOListElement>(null);
  const rows = () => [...(list.current?.querySelectorAll('a') ?? [])];
  const move = (by: 1 | -1) => {
    const links = rows();
    const at = links.indexOf(document.activeElement as HTMLAnchorElement);
    links[Math.max(0, Math.min(links.length - 1, at < 0 ? (by > 0 ? 0 : links.length - 1) : at + by))]?.focus();
  };
  useShortcuts([
    { keys: 'j', does: 'Next job', run: () => move(1) },
    { keys: 'k', does: 'Job before', run: () => move(-1) },
    { keys: 'o', does: 'Open the job', run: () => rows().find((link) => link === document.activeElement)?.click() },
  ]);
  return (
    <section aria-label="Line of jobs">
      <h2 className={classes.part}>
        Jobs <span>{jobs.length}</span>
      </h2>
      {jobs.length === 0 ? <p className={classes.none}>None yet: insert one, and it is done when it is its turn.</p> : null}
      <ol ref={list} className={classes.jobs}>
        {jobs.map((job) => (
          <li key={job.id}>
            <JobLine job={job} assignment={assignment} hold={job.id === next?.id && job.status === 'queued' ? (explained?.hold ?? null) : null} />
          </li>
        ))}
      </ol>
    </section>
  );
}

const JobLine = memo(function JobLine({ job, assignment, hold }: { job: Job; assignment: AssignmentDetail; hold: Explanation['hold'] }) {
  const { spec } = job;
  return (
    <Link to="/jobs/$id" params={{ id: job.id }} search={keepProject} className={classes.job}>
      <span className={classes.position}>{job.position}</span>
      <span className={classes.type}>
        <b>{spec.type}</b> {[spec.harness, spec.model && cleanLine(spec.model), job.worker !== 'default' && cleanLine(job.worker)].filter(Boolean).join(' · ')}
      </span>
      <span className={classes.status}>
        <StatusWord status={job.status} />
      </span>
      <span className={classes.words}>{hold ? <Why summary={hold.reason} until={hold.until} /> : job.cancel_requested && job.status === 'running' ? 'Is being called off' : jobWords(job, assignment)}</span>
      <span className={classes.figures}>
        {[job.attempts > 1 && `${job.attempts} tries`, job.commit?.slice(0, 8), money(job.cost_micros)].filter(Boolean).join(' · ')}
      </span>
      <span className={classes.took}>{job.started_at && (job.status === 'running' || job.ended_at) ? <Elapsed from={job.started_at} to={job.ended_at} /> : null}</span>
    </Link>
  );
});
