import type { ReactNode } from 'react';

import classes from './Section.module.css';

/** What scrolls on a page that is no list. */
export function Scroll({ children }: { children: ReactNode }) {
  return (
    <div className={classes.scroll} tabIndex={0} role="region" aria-label="The page">
      <div className={classes.inner}>{children}</div>
    </div>
  );
}

/** A part of such a page, under its name. */
export function Section({ title, about, actions, children }: { title: string; about?: ReactNode; actions?: ReactNode; children: ReactNode }) {
  return (
    <section className={classes.section} aria-label={title}>
      <div className={classes.head}>
        <h2>{title}</h2>
        {about ? <p>{about}</p> : null}
        {actions ? <div className={classes.actions}>{actions}</div> : null}
      </div>
      {children}
    </section>
  );
}

/** A sentence in place of something that is not there. */
export function Nothing({ children }: { children: ReactNode }) {
  return <p className={classes.nothing}>{children}</p>;
}
