import { memo, useState } from 'react';

import type { StageRecord } from '@/api/runs';
import { useRunningText } from '@/parts/clock';
import { StatusWord } from '@/parts/StatusWord';
import { Elapsed } from '@/parts/times';
import { span } from '@/parts/timewords';

import classes from './Stages.module.css';
import { isGate, STAGE_NAMES, stageHint, stageOutput, stageSummary } from './stageWords';

/** The stages of an attempt as they followed one another: how long each took, beside the whole, and what came of it. */
export function Stages({ stages, from, to }: { stages: readonly StageRecord[]; from: string; to: string | null | undefined }) {
  const rounds = stages.some((stage) => stage.iteration > 1);
  return (
    <ol className={classes.stages} aria-label="Stages">
      {stages.map((stage, n) => (
        <li key={stage.number}>
          {rounds && stage.iteration !== stages[n - 1]?.iteration ? <h3 className={classes.round}>Round {stage.iteration}</h3> : null}
          <Stage stage={stage} from={Date.parse(from)} to={to ? Date.parse(to) : null} />
        </li>
      ))}
    </ol>
  );
}

const Stage = memo(function Stage({ stage, from, to }: { stage: StageRecord; from: number; to: number | null }) {
  const summary = stageSummary(stage);
  const output = stageOutput(stage);
  const hint = stageHint(stage);
  const hasFailed = stage.status === 'failed';
  const [isOpen, setOpen] = useState<boolean | null>(null);
  // What failed at a gate is shown; the rest on demand.
  const shows = isOpen ?? (hasFailed && isGate(stage.stage));
  const head = (
    <>
      <span className={classes.name}>{STAGE_NAMES[stage.stage] ?? stage.stage}</span>
      <span className={classes.status}>
        <StatusWord status={stage.status} />
      </span>
      <span className={classes.took}>{stage.status === 'skipped' ? '' : stage.ended_at ? span(Date.parse(stage.ended_at) - Date.parse(stage.started_at)) : <Running from={stage.started_at} isOver={to !== null} />}</span>
    </>
  );
  return (
    <div className={classes.stage} data-status={stage.status}>
      {output ? (
        <button type="button" className={classes.head} aria-expanded={shows} onClick={() => setOpen(!shows)}>
          {head}
        </button>
      ) : (
        <div className={classes.head}>{head}</div>
      )}
      <Bar stage={stage} from={from} to={to} />
      {summary ? <p className={classes.summary}>{summary}</p> : null}
      {hint ? <p className={classes.hint}>{hint}</p> : null}
      {output && shows ? (
        <div className={classes.output}>
          <span>{output.label}</span>
          <pre tabIndex={0} aria-label={`${output.label} of ${STAGE_NAMES[stage.stage]}`}>{output.text}</pre>
        </div>
      ) : null}
    </div>
  );
});

/** A stage that has no end because the attempt had one before it does not count on. */
function Running({ from, isOver }: { from: string; isOver: boolean }) {
  return isOver ? null : <Elapsed from={from} to={null} />;
}

function Bar({ stage, from, to }: { stage: StageRecord; from: number; to: number | null }) {
  const begun = Date.parse(stage.started_at);
  const ended = stage.ended_at ? Date.parse(stage.ended_at) : to;
  const now = Number(useRunningText((ms) => String(to ?? Math.round(ms / 1_000) * 1_000)));
  const whole = Math.max(1, (to ?? Math.max(now, begun)) - from);
  const left = Math.min(100, (100 * Math.max(0, begun - from)) / whole);
  const width = Math.min(100 - left, (100 * Math.max(0, (ended ?? now) - begun)) / whole);
  return (
    <div className={classes.track} aria-hidden>
      <div style={{ marginLeft: `${left.toFixed(2)}%`, width: `${width.toFixed(2)}%` }} />
    </div>
  );
}
