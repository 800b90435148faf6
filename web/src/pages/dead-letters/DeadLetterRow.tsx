import { useQuery } from '@tanstack/react-query';
import { memo } from 'react';

import { assignment } from '@/api/queries';
import type { DeadLetter } from '@/api/runs';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { stopped } from '@/parts/sentences';
import { RelativeTime } from '@/parts/times';

import { failureName } from '../attempt/failureWords';
import classes from './DeadLetters.module.css';

/** A dead letter in a line: what it died of, of which work, why in a sentence, whose it is, when. */
export const DeadLetterRow = memo(function DeadLetterRow({ letter, showProject }: { letter: DeadLetter; showProject: boolean }) {
  // Only what is in sight is drawn, so only that is asked for.
  const work = useQuery(assignment(letter.assignment_id)).data;
  const title = work && stopped(cleanLine(work.north_star.trim().split('\n')[0]!));
  return (
    <div className={classes.letter}>
      <span className={classes.kind}>{letter.failure ? failureName(letter.failure.kind) : 'Dead'}</span>
      <span className={classes.reason}>
        {title ? <b>{title}</b> : null} {capital(cleanLine(letter.reason))}
      </span>
      <span className={classes.of}>
        {[showProject && cleanLine(letter.project), letter.type, letter.harness, letter.worker !== 'default' && cleanLine(letter.worker)].filter(Boolean).join(' · ')}
      </span>
      <span className={classes.when}>
        <RelativeTime at={letter.died_at ?? letter.created_at} />
      </span>
    </div>
  );
});
