import type { ReactNode } from 'react';

import classes from './PageHead.module.css';

/** The head of a page that has no tabs: its name, what it is for in a few words, and what can be done with all of it. */
export function PageHead({ title, about, children }: { title: string; about?: ReactNode; children?: ReactNode }) {
  return (
    <div className={classes.head}>
      <h1>{title}</h1>
      {about ? <p>{about}</p> : null}
      {children ? <div className={classes.actions}>{children}</div> : null}
    </div>
  );
}
