import { memo } from 'react';

import type { DeadLetter } from '@/api/runs';
import { capital } from '@/parts/capital';
import { cleanLine } from '@/parts/clean';
import { RelativeTime } from '@/parts/times';

import { failureName } from '../attempt/failureWords';
import classes from './DeadLetters.module.css';

/** A dead letter in a line: what it died of, why in a sentence, whose it is, when. */
export const DeadLetterRow = memo(function DeadLetterRow({ letter, showProject }: { letter: DeadLetter; showProject: boolean }) {
  return (
    <div className={classes.letter}>
      <span className={classes.kind}>{letter.failure ? failureName(letter.failure.kind) : 'Dead'}</span>
      <span className={classes.reason}>{capital(cleanLine(letter.reason))}</span>
      <span className={classes.of}>
        {[showProject && cleanLine(letter.project), letter.type, letter.harness, letter.worker !== 'default' && cleanLine(letter.worker)].filter(Boolean).join(' · ')}
      </span>
      <span className={classes.when}>
        <RelativeTime at={letter.died_at ?? letter.created_at} />
      </span>
    </div>
  );
});
