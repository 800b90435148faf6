import { ActionIcon, Button, Group } from '@mantine/core';
import { IconX } from '@tabler/icons-react';
import { useQuery } from '@tanstack/react-query';
import { Link } from '@tanstack/react-router';

import { asProblem } from '@/api/problem';
import { deadLetter, type DeadLetter } from '@/api/runs';
import { capital } from '@/parts/capital';
import { cleanLine, cleanText } from '@/parts/clean';
import { RefusedButton } from '@/parts/ConfirmButton';
import { Properties } from '@/parts/SplitPage';
import { ProblemAlert } from '@/parts/States';
import { RelativeTime } from '@/parts/times';
import { useRefusal } from '@/shell/may';
import { keepProject } from '@/shell/project';

import { FailureBox } from '../attempt/AttemptFacts';
import classes from './DeadLetters.module.css';

/** A dead letter whole: what was wanted, each try's error, and the ways to run it again. */
export function DeadLetterPane({ letter, close, replay, edit }: { letter: DeadLetter; close: () => void; replay: () => void; edit: () => void }) {
  const asked = useQuery(deadLetter(letter.id));
  const refusal = useRefusal('operate');
  const whole = asked.data;
  return (
    <>
      <div className={classes.head}>
        <strong className={classes.bad}>Dead after {letter.attempts === 1 ? 'one try' : `${letter.attempts} tries`}</strong>
        <ActionIcon aria-label="Close" onClick={close} size="sm">
          <IconX size={15} />
        </ActionIcon>
      </div>
      <h2 className={classes.title}>{whole ? cleanLine(whole.assignment.north_star.split('\n')[0]!) : capital(cleanLine(letter.reason))}</h2>
      <Group gap={6} my="xs">
        {refusal ? (
          <>
            <RefusedButton reason={refusal}>Replay…</RefusedButton>
            <RefusedButton reason={refusal}>Edit and replay…</RefusedButton>
          </>
        ) : (
          <>
            <Button variant="filled" onClick={replay}>
              Replay…
            </Button>
            <Button onClick={edit}>Edit and replay…</Button>
          </>
        )}
      </Group>
      {letter.failure ? <FailureBox failure={letter.failure} /> : <p className={classes.why}>{capital(cleanLine(letter.reason))}</p>}
      {asked.error ? <ProblemAlert problem={asProblem(asked.error)} /> : null}
      {whole ? (
        <>
          <h3 className={classes.part}>Tries</h3>
          <ol className={classes.tries}>
            {whole.attempts_list.map((one) => (
              <li key={one.id}>
                <Link to="/attempts/$id" params={{ id: one.id }} search={(old: { project?: string }) => ({ ...keepProject(old), job: letter.id })}>
                  {one.number} {one.status}
                </Link>{' '}
                · {one.harness} · <RelativeTime at={one.started_at} />
                {one.failure ? <p>{capital(cleanLine(one.failure.message))}</p> : null}
              </li>
            ))}
          </ol>
          <h3 className={classes.part}>What was wanted</h3>
          <p className={classes.told} tabIndex={0}>
            {cleanText(whole.job.spec.context || whole.assignment.north_star)}
          </p>
        </>
      ) : null}
      <Properties
        of={[
          ['Project', cleanLine(letter.project)],
          ['Job', letter.type],
          ['Agent', letter.harness],
          ['Worker', cleanLine(letter.worker)],
          ['Died', <RelativeTime key="died" at={letter.died_at ?? letter.created_at} focusable />],
          [
            'Assignment',
            <Link key="assignment" to="/assignments/$id" params={{ id: letter.assignment_id }} search={keepProject}>
              {letter.assignment_id}
            </Link>,
          ],
          ['By command', whole && <code>{cleanLine(whole.replay)}</code>],
        ]}
      />
    </>
  );
}
