import type { ReactNode } from 'react';

import classes from './Row.module.css';

/**
 * A row of a plain list: how it stands, what it is, a sentence on it, and when. `tail` holds what only a wide window has room for. On a phone the
 * sentence stands under the rest.
 */
export function Row({ status, title, text, tail, when, isOver }: { status: ReactNode; title: ReactNode; text?: ReactNode; tail?: ReactNode; when?: ReactNode; isOver?: boolean }) {
  return (
    <div className={classes.row} data-over={isOver || undefined}>
      <span className={classes.status}>{status}</span>
      <span className={classes.title}>{title}</span>
      <span className={classes.text}>{text}</span>
      <span className={classes.tail}>{tail}</span>
      <span className={classes.when}>{when}</span>
    </div>
  );
}
