import { useState } from 'react';

import type { AttemptDetail, Failure } from '@/api/runs';
import type { JobDetail } from '@/api/types';
import { capital } from '@/parts/capital';
import { cleanLine, cleanText } from '@/parts/clean';
import { money } from '@/parts/Money';
import { Properties } from '@/parts/SplitPage';
import { Elapsed, RelativeTime, Until } from '@/parts/times';
import { toDo } from '@/parts/toDo';

import classes from './Attempt.module.css';
import { usageInWords } from './entries';
import { FAILURE_CLASSES, failureName } from './failureWords';
import { Stages } from './Stages';

/** What is known of an attempt beside its transcript: why it failed, its stages and gates, what it used, where it ran. */
export function AttemptFacts({ attempt, job }: { attempt: AttemptDetail; job: JobDetail }) {
  const usage = attempt.usage;
  return (
    <>
      {attempt.failure ? <FailureBox failure={attempt.failure} /> : null}
      <h2 className={classes.part}>Stages</h2>
      {attempt.stages.length > 0 ? (
        <Stages stages={attempt.stages} from={attempt.started_at} to={attempt.ended_at} />
      ) : (
        <p className={classes.none}>None has begun yet.</p>
      )}
      <h2 className={classes.part}>Used</h2>
      <p className={classes.used}>{usage ? usageInWords(usage) : attempt.ended_at ? 'The agent did not tell what it used.' : 'Told at its end.'}</p>
      <h2 className={classes.part}>Facts</h2>
      <Properties
        of={[
          ['Agent', attempt.harness],
          ['Model', job.spec.model && cleanLine(job.spec.model)],
          ['Program', job.spec.program && <code>{cleanLine(job.spec.program)}</code>],
          ['Worker', cleanLine(job.worker)],
          ['Sandbox', attempt.isolation && cleanLine(attempt.isolation)],
          ['Session', attempt.session_id && <code>{cleanLine(attempt.session_id)}</code>],
          ['Node', <code key="node">{cleanLine(attempt.node)}</code>],
          ['Process', !attempt.ended_at && attempt.pid],
          ['Began', <RelativeTime key="began" at={attempt.started_at} focusable />],
          ['Took', attempt.ended_at && <Elapsed key="took" from={attempt.started_at} to={attempt.ended_at} />],
          ['Commit', job.commit && <code>{job.commit.slice(0, 12)}</code>],
          ['Job cost', money(job.cost_micros)],
          ['Attempt', <code key="id">{attempt.id}</code>],
          ['Job', <code key="job">{job.id}</code>],
        ]}
      />
      <Prompt job={job} />
    </>
  );
}

/** A failure: its kind and class in words, what happened, and what a person can do. */
export function FailureBox({ failure }: { failure: Failure }) {
  return (
    <div className={classes.failure}>
      <p>
        <b>{failureName(failure.kind)}</b> <span>{FAILURE_CLASSES[failure.kind]}</span>
      </p>
      <p>{capital(cleanText(failure.message))}</p>
      {failure.hint ? <p className={classes.hint}>{toDo(failure.hint)}</p> : null}
      {failure.retry_at ? (
        <p>
          Tried again <Until at={failure.retry_at} happens />
        </p>
      ) : null}
    </div>
  );
}

/** What the agent was told for this job, beside the north star. */
function Prompt({ job }: { job: JobDetail }) {
  const [isWhole, setWhole] = useState(false);
  const context = cleanText(job.spec.context ?? '');
  if (context.trim() === '') return null;
  const isLong = context.length > 600;
  return (
    <>
      <h2 className={classes.part}>Told beside the north star</h2>
      <p className={classes.prompt}>{isWhole || !isLong ? context : `${context.slice(0, 600)}…`}</p>
      {isLong ? (
        <button type="button" className={classes.more} onClick={() => setWhole(!isWhole)}>
          {isWhole ? 'Less' : 'All of it'}
        </button>
      ) : null}
    </>
  );
}
