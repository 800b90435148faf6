import { memo } from 'react';

import { cleanLine } from '@/parts/clean';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed, RelativeTime } from '@/parts/times';
import { span } from '@/parts/timewords';

import classes from './agents.module.css';
import { STEP_WORDS, type Step } from './steps';

/** One step of a session: a tool with how it went, a prompt, a word, a beginning or an end. */
export const StepRow = memo(function StepRow({ step }: { step: Step }) {
  return (
    <div className={classes.step} data-kind={step.kind}>
      <span className={classes.what}>{step.kind === 'tool' ? cleanLine(step.tool ?? 'tool') : (STEP_WORDS[step.kind] ?? cleanLine(step.kind))}</span>
      <span className={classes.summary}>{cleanLine(step.summary)}</span>
      <span className={classes.outcome}>
        {step.kind !== 'tool' ? null : step.isRunning ? (
          <>
            <StatusWord status="running" /> <Elapsed from={step.at} to={null} short />
          </>
        ) : step.ok === null ? (
          'did not tell'
        ) : (
          <>
            <StatusWord status={step.ok ? 'passed' : 'failed'} /> {step.durationMs === null ? '' : span(step.durationMs)}
          </>
        )}
      </span>
      <span className={classes.when}>
        <RelativeTime at={step.at} />
      </span>
    </div>
  );
});
