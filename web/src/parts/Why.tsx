import { memo } from 'react';

import { capital } from './capital';
import { cleanLine } from './clean';
import { Until } from './times';
import classes from './Why.module.css';

interface WhyProps {
  summary: string;
  until?: string | null;
}

/** What something does or why it waits, in a sentence, and until when. */
export const Why = memo(function Why({ summary, until }: WhyProps) {
  return (
    <>
      {capital(cleanLine(summary))}
      {until ? (
        <>
          {' · '}
          <Until at={until} />
        </>
      ) : null}
    </>
  );
});

/** The same in one line of a row: where it is too long, the sentence is cut and never the time. `before` stands before it: how far it is. */
export const WhyLine = memo(function WhyLine({ summary, until, before }: WhyProps & { before?: string }) {
  return (
    <span className={classes.line}>
      <span className={classes.sentence}>
        {before ? `${before} · ${cleanLine(summary)}` : capital(cleanLine(summary))}
      </span>
      {until ? (
        <span className={classes.until}>
          <Until at={until} short />
        </span>
      ) : null}
    </span>
  );
});
