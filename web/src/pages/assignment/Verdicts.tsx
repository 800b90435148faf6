import { Link } from '@tanstack/react-router';

import type { Evidence, VerdictRecord } from '@/api/runs';
import type { Job } from '@/api/types';
import { cleanLine, cleanText } from '@/parts/clean';
import { RelativeTime } from '@/parts/times';
import { keepProject } from '@/shell/project';

import classes from './Assignment.module.css';

const SAID = { insert: 'Go on with', complete: 'Complete', block: 'A person is needed' } as const;

/** What the pm decided, why, and the facts it rests on, each of which the engine has looked up. */
export function Verdicts({ verdicts, jobs }: { verdicts: readonly VerdictRecord[]; jobs: readonly Job[] }) {
  if (verdicts.length === 0) return null;
  return (
    <section aria-label="Verdicts">
      <h2 className={classes.part}>
        Verdicts <span>{verdicts.length}</span>
      </h2>
      <ol className={classes.verdicts}>
        {verdicts.toReversed().map((verdict) => (
          <li key={verdict.id}>
            <p className={classes.verdict} data-verdict={verdict.verdict}>
              <b>
                {SAID[verdict.verdict]}
                {verdict.verdict === 'insert' ? ` ${(verdict.jobs ?? []).map((job) => job.type).join(', ') || 'what is queued'}` : ''}
              </b>{' '}
              <RelativeTime at={verdict.at} focusable />
            </p>
            <p className={classes.reason}>{cleanText(verdict.reason)}</p>
            {verdict.verdict === 'block' ? <p className={classes.action}>{cleanLine(verdict.action)}</p> : null}
            {(verdict.evidence ?? []).length > 0 ? (
              <ul className={classes.evidence} aria-label="Evidence, looked up by Windlass">
                {(verdict.evidence ?? []).map((fact, n) => (
                  <li key={n}>
                    <Fact fact={fact} jobs={jobs} />
                  </li>
                ))}
              </ul>
            ) : null}
          </li>
        ))}
      </ol>
    </section>
  );
}

function Fact({ fact, jobs }: { fact: Evidence; jobs: readonly Job[] }) {
  switch (fact.kind) {
    case 'commit':
      return (
        <>
          commit <code>{cleanLine(fact.sha).slice(0, 12)}</code>
        </>
      );
    case 'file':
      return (
        <>
          file <code>{cleanLine(fact.path)}</code>
        </>
      );
    case 'check':
      return (
        <>
          the check of <JobLink id={fact.job} jobs={jobs} /> is green
        </>
      );
    case 'job':
      return (
        <>
          <JobLink id={fact.job} jobs={jobs} /> {fact.status}
        </>
      );
  }
}

function JobLink({ id, jobs }: { id: string; jobs: readonly Job[] }) {
  const job = jobs.find((one) => one.id === id);
  return (
    <Link to="/jobs/$id" params={{ id }} search={keepProject}>
      {job ? `job ${job.position} (${job.spec.type})` : cleanLine(id)}
    </Link>
  );
}
