import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';

import { held } from '@/api/engine';
import type { DaemonStatus } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { DataTable } from '@/parts/DataTable';
import { Section } from '@/parts/Section';
import { Until } from '@/parts/times';

import { HOLD_WORDS, heldByWorker, type HeldGroup } from './words';
import classes from './workers.module.css';

/** Each worker's slots, what waits for it, and why. */
export function Queues({ status }: { status: DaemonStatus }) {
  const waiting = useQuery(held());
  const reasons = heldByWorker(waiting.data?.items ?? []);
  const isPart = Boolean(waiting.data?.next_cursor);
  // A worker that work asks for and nobody runs is worth a row, too.
  const missing = [...reasons.keys()].filter((name) => !status.workers.some((worker) => worker.name === name));
  return (
    <Section title="Workers" about="how many jobs each may run, and what waits for it">
      <DataTable
        label="Workers"
        columns={[
          { head: 'Worker', width: '18%' },
          { head: 'Slots', width: '22%' },
          { head: 'Waiting', isRight: true, width: '90px' },
          { head: 'Why it waits', wraps: true },
        ]}
        rows={[
          ...status.workers.map((worker) => ({
            key: worker.name,
            cells: [
              cleanLine(worker.name),
              <Slots key="slots" used={worker.running} limit={worker.limit} />,
              worker.queued || 'nothing',
              worker.queued > 0 ? <Reasons groups={reasons.get(worker.name) ?? []} isPart={isPart} /> : null,
            ],
          })),
          ...missing.map((name) => ({
            key: `missing ${name}`,
            cells: [cleanLine(name), <span key="none" className={classes.need}>nobody runs it</span>, null, <Reasons key="why" groups={reasons.get(name)!} isPart={isPart} />],
          })),
        ]}
        empty="No worker is configured on this node: it takes no jobs."
      />
    </Section>
  );
}

function Slots({ used, limit }: { used: number; limit: number }) {
  return (
    <span className={classes.slots}>
      <span className={classes.bar} aria-hidden>
        <span style={{ width: `${limit > 0 ? Math.min(100, (100 * used) / limit) : 0}%` }} />
      </span>
      {used} of {limit} in use
    </span>
  );
}

function Reasons({ groups, isPart }: { groups: HeldGroup[]; isPart: boolean }) {
  if (groups.length === 0) return <span className={classes.dim}>the job before it in its line, or about to start</span>;
  return (
    <Link to="/work" search={(old: { project?: string }) => ({ project: old.project, status: 'waiting' })} className={classes.reasons}>
      {groups.map((group, index) => (
        <span key={group.hold}>
          {index > 0 ? ' · ' : ''}
          {group.count}
          {isPart ? '+' : ''} × {HOLD_WORDS[group.hold] ?? group.hold}
          {group.until ? (
            <>
              , first <Until at={group.until} short />
            </>
          ) : null}
        </span>
      ))}
    </Link>
  );
}
