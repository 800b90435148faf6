import { Button, Group, TextInput } from '@mantine/core';
import { useQueryClient } from '@tanstack/react-query';
import { useState } from 'react';

import { makeBackup, type Backup, type Housekeeping } from '@/api/engine';
import { asProblem, type ApiProblem } from '@/api/problem';
import { bytes } from '@/parts/bytes';
import { cleanLine } from '@/parts/clean';
import { RefusedButton } from '@/parts/ConfirmButton';
import { filled } from '@/parts/forms';
import { many } from '@/parts/many';
import { Section } from '@/parts/Section';
import { Properties } from '@/parts/SplitPage';
import { ProblemAlert } from '@/parts/States';
import { RelativeTime } from '@/parts/times';

import classes from './housekeeping.module.css';

/** When all was last backed up, and a new backup. */
export function Backups({ state, refusal }: { state: Housekeeping; refusal: string | null }) {
  const queries = useQueryClient();
  const [path, setPath] = useState('');
  const [isWorking, setWorking] = useState(false);
  const [made, setMade] = useState<Backup | null>(null);
  const [problem, setProblem] = useState<ApiProblem | null>(null);
  const isPath = filled(path)?.startsWith('/') ?? false;
  const make = async () => {
    if (!isPath || isWorking) return;
    setWorking(true);
    setProblem(null);
    try {
      setMade(await makeBackup(path.trim()));
      void queries.invalidateQueries({ queryKey: ['housekeeping'] });
    } catch (error) {
      setProblem(asProblem(error));
    } finally {
      setWorking(false);
    }
  };
  return (
    <Section title="Backups" about={state.backed_up_at ? <>last <RelativeTime at={state.backed_up_at} focusable /></> : 'none was made yet'}>
      <div className={classes.inset}>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            void make();
          }}
        >
          <Group gap="xs" align="flex-end">
            <TextInput
              label="New folder, on the daemon’s machine"
              placeholder="/var/backups/windlass-monday"
              className={classes.path}
              value={path}
              onChange={(event) => setPath(event.currentTarget.value)}
              error={path !== '' && !isPath ? 'an absolute path' : undefined}
              disabled={refusal !== null}
            />
            {refusal ? (
              <RefusedButton reason={refusal}>Back up</RefusedButton>
            ) : (
              <Button type="submit" disabled={!isPath || isWorking}>
                {isWorking ? 'Backing up…' : 'Back up'}
              </Button>
            )}
          </Group>
        </form>
        {problem ? <ProblemAlert problem={problem} /> : null}
        {made ? (
          <Properties
            of={[
              ['Made', <code key="path">{cleanLine(made.path)}</code>],
              ['Holds', `${many(made.assignments, 'assignment')}, ${many(made.jobs, 'job')}, ${bytes(made.bytes)}`],
              ['Left out', made.left_out.map(cleanLine).join(', ')],
              ['Bundles', made.unpushed > 0 && `${made.unpushed} with commits that were on no repository’s branch`],
            ]}
          />
        ) : null}
      </div>
    </Section>
  );
}
