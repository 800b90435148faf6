import { memo } from 'react';

import { capital } from './capital';
import { cleanLine } from './clean';
import { Until } from './times';
import classes from './Why.module.css';

interface WhyProps {
  summary: string;
  until?: string | null;
  /** It is what an agent or a person wrote, and stays as it is. */
  asWritten?: boolean;
}

const wordsOf = ({ summary, asWritten }: WhyProps) => (asWritten ? cleanLine(summary) : capital(cleanLine(summary)));

/** What something does or why it waits, in a sentence, and until when. */
export const Why = memo(function Why(why: WhyProps) {
  const { until } = why;
  return (
    <>
      {wordsOf(why)}
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
export const WhyLine = memo(function WhyLine({ before, ...why }: WhyProps & { before?: string }) {
  const { summary, until } = why;
  return (
    <span className={classes.line}>
      <span className={classes.sentence}>
        {before ? `${before} · ${cleanLine(summary)}` : wordsOf(why)}
      </span>
      {until ? (
        <span className={classes.until}>
          <Until at={until} short />
        </span>
      ) : null}
    </span>
  );
});
