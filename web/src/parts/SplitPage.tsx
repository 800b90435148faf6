import type { ReactNode } from 'react';

import classes from './SplitPage.module.css';

/** A list with, in a wide window, what is known of its current row beside it; with `onPhone`, in a narrow one over it. */
export function SplitPage({ children, pane, onPhone = false }: { children: ReactNode; pane: ReactNode; onPhone?: boolean }) {
  return (
    <div className={classes.split}>
      <div className={classes.list}>{children}</div>
      {pane ? (
        <aside className={classes.pane} data-phone={onPhone || undefined} aria-label="The current row">
          {pane}
        </aside>
      ) : null}
    </div>
  );
}

/** Names and values; what has no value is left out. */
export function Properties({ of }: { of: [name: string, value: ReactNode][] }) {
  return (
    <dl className={classes.properties}>
      {of
        .filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
