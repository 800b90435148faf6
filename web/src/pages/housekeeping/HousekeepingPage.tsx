import { useQuery, useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { housekeeping, runHousekeeping, type HousekeepingRun } from '@/api/engine';
import { asProblem } from '@/api/problem';
import { ActButton } from '@/parts/ActButton';
import { bytes } from '@/parts/bytes';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { DataTable } from '@/parts/DataTable';
import { AssignmentLink } from '@/parts/LinkTo';
import { PageHead } from '@/parts/PageHead';
import { Nothing, Scroll, Section } from '@/parts/Section';
import { Properties } from '@/parts/SplitPage';
import { ErrorState, Skeleton } from '@/parts/States';
import { at, Elapsed, RelativeTime } from '@/parts/times';
import { useRefusal } from '@/shell/may';
import { useTitle } from '@/shell/title';

import { Backups } from './Backups';
import classes from './housekeeping.module.css';
import { Restore } from './Restore';
import { removedInWords, retentionRows } from './words';

/** What is kept how long, what the last round removed, backups, and the way back to one. */
export default function HousekeepingPage() {
  useTitle('Housekeeping');
  const refusal = useRefusal('admin');
  const queries = useQueryClient();
  const [tried, setTried] = useState<HousekeepingRun | null>(null);
  const asking = useQuery(housekeeping);
  if (asking.isPending) return <Skeleton rows={10} />;
  if (!asking.data) return <ErrorState problem={asProblem(asking.error)} retry={() => void asking.refetch()} />;
  const { data } = asking;
  return (
    <>
      <PageHead title="Housekeeping" about="what is kept, and for how long">
        <ActButton done="Looked, and removed nothing" act={() => runHousekeeping(true).then(setTried)} refused={refusal}>
          Try it: remove nothing
        </ActButton>
        <ActButton
          variant="filled"
          done="A round was made"
          act={async () => {
            await runHousekeeping(false);
            setTried(null);
            await queries.invalidateQueries({ queryKey: ['housekeeping'] });
          }}
          refused={refusal}
          confirm={{ question: 'Remove now what is older than it is kept? What was removed does not come back.', yes: 'Remove it' }}
        >
          Run it now…
        </ActButton>
      </PageHead>
      <Scroll>
        {tried ? (
          <Section title="What would be removed now">
            <Round run={tried} />
          </Section>
        ) : null}
        <Section
          title="Last round"
          about={
            data.next_at ? `next at ${at(data.next_at)}` : null
          }
        >
          {data.last ? <Round run={data.last} /> : <Nothing>None was made since this daemon started.</Nothing>}
        </Section>
        <Section title="Kept how long" about="once it is over; set in the configuration">
          <DataTable
            label="Kept how long"
            columns={[{ head: 'What', width: '260px' }, { head: 'Kept', wraps: true }]}
            rows={retentionRows(data.retention).map(({ key, name, value }) => ({ key, cells: [name, value] }))}
            empty="Nothing is set."
          />
        </Section>
        <Backups state={data} refusal={refusal} />
        <Restore state={data} refusal={refusal} />
      </Scroll>
    </>
  );
}

function Round({ run }: { run: HousekeepingRun }) {
  return (
    <>
      <div className={classes.inset}>
        <Properties
          of={[
            [run.dry_run ? 'Would go' : 'Removed', removedInWords(run)],
            ['Workspaces', `take ${bytes(run.workspace_bytes)} before the round`],
            ['Ended', <RelativeTime key="ended" at={run.ended_at} focusable />],
            ['Took', <Elapsed key="took" from={run.started_at} to={run.ended_at} />],
          ]}
        />
        {run.problems.map((problem) => (
          <p key={problem} className={classes.bad}>
            {capital(cleanLine(problem))}
          </p>
        ))}
      </div>
      {run.kept.length > 0 ? (
        <DataTable
          label="Was to go and stays"
          columns={[
            { head: 'Stays all the same', width: '280px' },
            { head: 'Size', isRight: true, width: '90px' },
            { head: 'Why', wraps: true },
            { head: 'What can be done', wraps: true },
          ]}
          rows={run.kept.map((kept) => ({
            key: kept.assignment_id,
            cells: [<AssignmentLink key="link" id={kept.assignment_id} />, bytes(kept.bytes), capital(cleanLine(kept.why)), capital(cleanLine(kept.hint))],
          }))}
          empty=""
        />
      ) : null}
    </>
  );
}
