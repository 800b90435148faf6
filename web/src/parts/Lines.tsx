import type { Virtualizer } from '@tanstack/react-virtual';
import type { HTMLAttributes, ReactNode, RefObject } from 'react';

import classes from './Lines.module.css';

interface LinesProps extends Omit<HTMLAttributes<HTMLDivElement>, 'children'> {
  /** The caller's, which scrolls by it. */
  virtual: Virtualizer<HTMLDivElement, Element>;
  scroller: RefObject<HTMLDivElement | null>;
  /** The line that is looked at, which is marked with `data-current`. */
  current?: number | null;
  children: (index: number) => ReactNode;
}

/** Lines as high as what is in them, any number of them: only those in sight are drawn. */
export function Lines({ virtual, scroller, current, children, ...region }: LinesProps) {
  return (
    <div ref={scroller} className={classes.scroller} tabIndex={0} {...region}>
      <div className={classes.lines} style={{ height: virtual.getTotalSize() }}>
        {virtual.getVirtualItems().map(({ index, key, start }) => (
          <div key={key} ref={virtual.measureElement} data-index={index} data-current={index === current || undefined} className={classes.slot} style={{ transform: `translateY(${start}px)` }}>
            {children(index)}
          </div>
        ))}
      </div>
    </div>
  );
}
