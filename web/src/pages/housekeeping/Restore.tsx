import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { housekeeping, type Backup, type Housekeeping } from '@/api/engine';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { RefusedButton } from '@/parts/ConfirmButton';
import { Section } from '@/parts/Section';
import { many } from '@/parts/many';
import { Properties } from '@/parts/SplitPage';
import { at, RelativeTime } from '@/parts/times';

import classes from './housekeeping.module.css';
import { RestoreDialog } from './RestoreDialog';

/** A restore that goes on: what is brought back, and when the one before it was. */
interface Going {
  backup: Backup;
  after: string | undefined;
}

/** Brings a backup back, and says how the last restore went. */
export function Restore({ state, refusal }: { state: Housekeeping; refusal: string | null }) {
  const [isAsking, setAsking] = useState(false);
  const [going, setGoing] = useState<Going | null>(null);
  const { restore } = state;
  const isGoing = going !== null && restore?.at === going.after;
  // The daemon is away meanwhile, and may come back with what was there before: no event tells that.
  useQuery({ ...housekeeping, refetchInterval: 1_000, enabled: isGoing });
  return (
    <Section title="Restore" about={restore ? <>last <RelativeTime at={restore.at} focusable /></> : 'no backup was brought back here'}>
      <div className={classes.inset}>
        {isGoing ? (
          <p role="status">
            The backup of {at(going.backup.made_at)} is brought back: {many(going.backup.assignments, 'assignment')}, {many(going.backup.jobs, 'job')}. The daemon
            stops its agents, restores and starts again; this page then goes on by itself.
          </p>
        ) : refusal ? (
          <RefusedButton reason={refusal}>Bring a backup back…</RefusedButton>
        ) : (
          <Button onClick={() => setAsking(true)}>Bring a backup back…</Button>
        )}
        {restore && !isGoing ? (
          <Properties
            of={[
              ['From', <code key="from">{cleanLine(restore.path)}</code>],
              ['Went', restore.error ? <span className={classes.wrong}>{capital(cleanLine(restore.error))}</span> : 'well'],
              ['So', restore.error && 'the daemon went on with what was there'],
              ['Holds', restore.restored && `${many(restore.restored.backup.assignments, 'assignment')}, ${many(restore.restored.backup.jobs, 'job')}, as of ${at(restore.restored.backup.made_at)}`],
              ['Access', restore.restored?.access && cleanLine(restore.restored.access)],
              ['Before it', restore.restored?.aside && <code>{cleanLine(restore.restored.aside)}</code>],
              ['Commits', restore.restored && restore.restored.bundles.length > 0 && <>that no repository had: {restore.restored.bundles.map(cleanLine).join(', ')}</>],
            ]}
          />
        ) : null}
      </div>
      {isAsking ? (
        <RestoreDialog
          close={() => setAsking(false)}
          begun={(backup) => {
            setGoing({ backup, after: restore?.at });
            setAsking(false);
          }}
        />
      ) : null}
    </Section>
  );
}
