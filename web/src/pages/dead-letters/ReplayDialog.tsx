import { Button } from '@mantine/core';
import { useQuery } from '@tanstack/react-query';
import { useState } from 'react';

import { asProblem } from '@/api/problem';
import { deadLetter, replay, type Replayed, type ReplayWhat } from '@/api/runs';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { Dialog } from '@/parts/Dialog';
import { newKey } from '@/parts/forms';
import { ProblemAlert, Skeleton } from '@/parts/States';
import { say } from '@/shell/say';

import { editOf, editProblems, formOf, type JobBefore, type JobEditForm } from '../attempt/jobEdit';
import { JobEditFields } from '../attempt/JobEditFields';
import classes from './DeadLetters.module.css';

interface ReplayDialogProps {
  what: ReplayWhat;
  /** The dead letter whose words are changed before it runs again. */
  edit?: string;
  close: (done?: boolean) => void;
}

/** Shows what a replay would do, then does it. What is changed counts for all that are replayed. */
export default function ReplayDialog({ what, edit, close }: ReplayDialogProps) {
  const [key] = useState(newKey);
  const preview = useQuery({ queryKey: ['replay', what, key], queryFn: () => replay(what, {}, true, key), staleTime: Infinity, retry: false });
  const detail = useQuery({ ...deadLetter(edit ?? ''), enabled: edit !== undefined });
  const [change, setChange] = useState<Partial<JobEditForm>>({});
  const [isAsked, setAsked] = useState(false);
  const [isBusy, setBusy] = useState(false);
  const [problem, setProblem] = useState<unknown>(null);
  const [done, setDone] = useState<Replayed[] | null>(null);
  const letter = detail.data;
  const before: JobBefore | null = letter ? { spec: letter.job.spec, harness: letter.harness ?? null, assignment: letter.assignment } : null;
  const form = before && { ...formOf(before), ...change };
  const wrong = form ? editProblems(form) : {};
  const would = preview.data?.filter((one) => one.outcome === 'would_replay') ?? [];

  const go = async () => {
    setAsked(true);
    if (Object.keys(wrong).length > 0) return;
    setBusy(true);
    setProblem(null);
    try {
      const lines = await replay(what, form && before ? editOf(form, before) : {}, false, key);
      const refused = lines.filter((one) => one.outcome === 'refused').length;
      say(`${lines.length - refused} of ${lines.length} replayed`, refused > 0);
      // What was refused, or still waits for something, has to be read.
      if (lines.some((one) => one.message)) setDone(lines);
      else close(true);
    } catch (error) {
      setProblem(error);
    } finally {
      setBusy(false);
    }
  };

  return (
    <Dialog title={edit ? 'Edit and replay' : 'Replay'} close={() => close(done !== null)}>
      <div className={classes.dialog}>
        {edit && !done ? (
          form && before ? (
            <JobEditFields form={form} before={before} set={(part) => setChange((old) => ({ ...old, ...part }))} wrong={isAsked ? wrong : {}} />
          ) : (
            <Skeleton rows={4} />
          )
        ) : null}
        {preview.isPending ? <Skeleton rows={3} /> : null}
        {preview.error ? <ProblemAlert problem={asProblem(preview.error)} /> : null}
        {done ? <Outcomes lines={done} /> : preview.data ? <Preview lines={preview.data} /> : null}
        {problem ? <ProblemAlert problem={asProblem(problem)} /> : null}
        <div className={classes.foot}>
          {done ? (
            <Button onClick={() => close(true)}>Close</Button>
          ) : (
            <>
              <Button onClick={() => close()}>Not now</Button>
              <Button variant="filled" onClick={() => void go()} loading={isBusy} disabled={would.length === 0 || (edit !== undefined && !form)}>
                {would.length === 1 ? 'Replay it' : `Replay ${would.length}`}
              </Button>
            </>
          )}
        </div>
      </div>
    </Dialog>
  );
}

function Preview({ lines }: { lines: Replayed[] }) {
  const refused = lines.filter((one) => one.outcome !== 'would_replay');
  const count = lines.length - refused.length;
  return (
    <div>
      <p className={classes.why}>
        {count === 0
          ? 'Nothing would run again.'
          : `${count === 1 ? 'One job runs' : `${count} jobs run`} again, with counters at zero; an assignment that was blocked by this death goes on.`}
      </p>
      {refused.length > 0 || lines.some((one) => one.message) ? <Outcomes lines={lines.filter((one) => one.outcome !== 'would_replay' || one.message)} /> : null}
    </div>
  );
}

const WORDS: Record<Replayed['outcome'], string> = {
  replayed: 'Runs again',
  would_replay: 'Would run again',
  already: 'Was replayed already',
  refused: 'Refused',
};

function Outcomes({ lines }: { lines: Replayed[] }) {
  return (
    <ul className={classes.outcomes} tabIndex={0} aria-label="What happens to each">
      {lines.slice(0, 500).map((one) => (
        <li key={one.id}>
          <b className={one.outcome === 'refused' ? classes.bad : undefined}>{WORDS[one.outcome]}</b> <code>{one.id}</code>
          {one.message ? <div>{capital(cleanLine(one.message))}</div> : null}
        </li>
      ))}
    </ul>
  );
}
