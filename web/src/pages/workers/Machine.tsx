import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';

import { doctor, type HarnessLook } from '@/api/engine';
import { asProblem } from '@/api/problem';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { DataTable } from '@/parts/DataTable';
import { sentences } from '@/parts/sentences';
import { Section } from '@/parts/Section';
import { ProblemAlert, Skeleton } from '@/parts/States';
import { at } from '@/parts/times';

import { LEVELS } from './words';
import classes from './workers.module.css';

/** What this machine has: how well it keeps agents apart, which agents are installed and signed in, and what is missing. */
export function Machine({ level }: { level: string }) {
  const look = useQuery(doctor);
  const meaning = LEVELS[level];
  return (
    <>
      <Section title="Sandbox">
        <p className={classes.level}>
          <strong data-weak={meaning?.isWeak || undefined}>{cleanLine(level)}</strong>
          {meaning ? ` ${meaning.keeps} ${meaning.lets}` : ' This page does not know that level.'}
        </p>
      </Section>
      <Section
        title="Agents and machine"
        about={look.data ? `looked at ${at(look.dataUpdatedAt)}` : 'what windlass doctor sees'}
        actions={
          <Button onClick={() => void look.refetch()} disabled={look.isFetching}>
            {look.isFetching ? 'Looking…' : 'Look again'}
          </Button>
        }
      >
        {look.isPending ? <Skeleton rows={5} /> : null}
        {look.error && !look.data ? <ProblemAlert problem={asProblem(look.error)} /> : null}
        {look.data ? (
          <>
            <DataTable
              label="Agents"
              columns={[
                { head: 'Agent', width: '18%' },
                { head: 'State', width: '170px' },
                { head: 'Version', width: '140px' },
                { head: 'Signs in by', width: '130px' },
                { head: 'What to do', wraps: true },
              ]}
              rows={look.data.harnesses.map((harness) => ({
                key: harness.harness,
                cells: [
                  <span key="name" title={harness.path ? cleanLine(harness.path) : undefined}>
                    {harness.harness}
                  </span>,
                  <State key="state" harness={harness} />,
                  harness.version && cleanLine(harness.version),
                  harness.login && cleanLine(harness.login).replaceAll('_', ' '),
                  harness.problems.map((problem, n) => <div key={n}>{problemWords(problem)}</div>),
                ],
              }))}
              empty="No agent is known."
            />
            <div className={classes.gap} />
            <DataTable
              label="Machine"
              columns={[
                { head: 'Looked at', width: '18%' },
                { head: 'State', width: '170px' },
                { head: 'Found', wraps: true },
                { head: 'What to do', wraps: true },
              ]}
              rows={look.data.checks.map((check) => ({
                key: check.name,
                cells: [
                  cleanLine(check.name),
                  check.problem ? <span className={classes.need}>needs something</span> : <span className={classes.good}>good</span>,
                  cleanLine(check.found),
                  check.problem && problemWords(check.problem),
                ],
              }))}
              empty="Nothing was looked at."
            />
          </>
        ) : null}
      </Section>
    </>
  );
}

const problemWords = ({ what, hint }: HarnessLook['problems'][number]) => sentences(capital(cleanLine(what)), hint && capital(cleanLine(hint)));

/** An agent that nobody uses and that is not there is no trouble. */
function State({ harness }: { harness: HarnessLook }) {
  if (harness.problems.length === 0) return <span className={classes.good}>ready</span>;
  const word = harness.path ? 'not ready' : 'not installed';
  return harness.used ? <span className={classes.need}>{word}, and set to be used</span> : <span className={classes.dim}>{word}</span>;
}
