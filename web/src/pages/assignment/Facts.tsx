import { Link } from '@tanstack/react-router';

import type { AssignmentDetail } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { ExternalLink } from '@/parts/ExternalLink';
import { count, money } from '@/parts/Money';
import { Properties } from '@/parts/SplitPage';
import { Elapsed, RelativeTime } from '@/parts/times';
import { span } from '@/parts/timewords';

import classes from './Assignment.module.css';

const CHECKS = { unreported: '', pending: ', checks run', success: ', checks passed', failure: ', checks failed' };

/** What is known of an assignment, and what it has used of what it may. */
export function Facts({ assignment }: { assignment: AssignmentDetail }) {
  const { budget, spent, pull_request: pull, policy, jobs } = assignment;
  const isCostKnown = spent.runs === 0 || (spent.runs_without_cost ?? 0) === 0;
  const cost = money(spent.cost_micros ?? 0, isCostKnown);
  return (
    <>
      <h2 className={classes.part}>Budget</h2>
      <dl className={classes.budget}>
        <Limit name="Runs" used={String(spent.runs ?? 0)} limit={budget.runs ? String(budget.runs) : null} part={part(spent.runs, budget.runs)} />
        <Limit
          name="Time"
          used={spent.wall_ms ? span(spent.wall_ms) : 'none yet'}
          limit={budget.wall_secs ? span(budget.wall_secs * 1_000) : null}
          part={part(spent.wall_ms, budget.wall_secs && budget.wall_secs * 1_000)}
        />
        {spent.tokens || budget.tokens ? (
          <Limit name="Tokens" used={count(spent.tokens ?? 0)} limit={budget.tokens ? count(budget.tokens) : null} part={part(spent.tokens, budget.tokens)} />
        ) : null}
        {cost || budget.cost_micros ? (
          <Limit name="Cost" used={cost ?? '$0.00'} limit={budget.cost_micros ? money(budget.cost_micros) : null} part={part(spent.cost_micros, budget.cost_micros)} />
        ) : null}
      </dl>
      {jobs.some((job) => job.status === 'running') ? <p className={classes.none}>What runs now is counted when its attempt ends.</p> : null}
      <h2 className={classes.part}>Facts</h2>
      <Properties
        of={[
          ['Project', cleanLine(assignment.project)],
          [
            'Source',
            assignment.source === 'operation' ? (
              <Link to="/operations" search={(old: { project?: string }) => ({ project: old.project, row: assignment.id })}>
                code operation
              </Link>
            ) : (
              cleanLine(assignment.source)
            ),
          ],
          ['Branch', assignment.branch && <code>{cleanLine(assignment.branch)}</code>],
          ['Base', assignment.base_branch && <code>{cleanLine(`${assignment.base_branch} ${assignment.base_commit?.slice(0, 8) ?? ''}`)}</code>],
          ['Head', assignment.head_commit && <code>{assignment.head_commit.slice(0, 12)}</code>],
          ['Pull request', pull && <ExternalLink href={pull.url}>{`#${pull.number} ${pull.state}${pull.checks ? CHECKS[pull.checks] : ''}`}</ExternalLink>],
          ['Check', policy.verify && <code>{cleanLine(policy.verify)}</code>],
          ['Judged', policy.review === false ? 'by nobody: complete when its last job succeeds' : `by the pm${policy.harness_defaults?.pm ? ` (${policy.harness_defaults.pm})` : ''} after each job`],
          ['Locks', policy.locks && policy.locks.length > 0 && <code>{cleanLine(policy.locks.join(', '))}</code>],
          ['Priority', assignment.priority !== 0 && assignment.priority],
          ['Task file', assignment.task && cleanLine(assignment.task.file ?? assignment.task.task_id)],
          ['Made', <RelativeTime key="made" at={assignment.created_at} focusable />],
          ['Changed', !assignment.ended_at && <RelativeTime key="changed" at={assignment.updated_at} focusable />],
          ['Ended', assignment.ended_at && <RelativeTime key="ended" at={assignment.ended_at} focusable />],
          ['Took', assignment.ended_at && <Elapsed key="took" from={assignment.created_at} to={assignment.ended_at} />],
          ['Id', <code key="id">{assignment.id}</code>],
        ]}
      />
    </>
  );
}

const part = (used: number | undefined, limit: number | null | undefined) => (limit ? Math.min(1, (used ?? 0) / limit) : null);

function Limit({ name, used, limit, part }: { name: string; used: string; limit: string | null; part: number | null }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>
        {used}
        {limit ? ` of ${limit}` : ''}
        {part === null ? null : (
          <div className={classes.meter} data-full={part >= 0.9 || undefined} aria-hidden>
            <div style={{ width: `${(part * 100).toFixed(1)}%` }} />
          </div>
        )}
      </dd>
    </div>
  );
}
