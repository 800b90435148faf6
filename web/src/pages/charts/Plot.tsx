import { useElementSize } from '@mantine/hooks';
import type { ReactNode } from 'react';

import classes from './charts.module.css';

const HEIGHT = 200;
const LEFT = 56;
const RIGHT = 8;
const TOP = 8;
const BOTTOM = 22;

/** How a plot turns values into places, in pixels. */
export interface Places {
  /** The left side of the nth column, and how wide a column is. */
  x: (index: number) => number;
  column: number;
  /** Of a value on the axis. */
  y: (value: number) => number;
  floor: number;
}

/** Axes with their marks; what is drawn between them comes from outside. The picture is told in a sentence; its table stands beside it. */
export function Plot({
  says,
  marks,
  markText,
  columns,
  columnText,
  children,
}: {
  says: string;
  marks: number[];
  markText: (value: number) => string;
  columns: number;
  columnText: (index: number) => string;
  children: (places: Places) => ReactNode;
}) {
  const { ref, width } = useElementSize();
  const highest = marks.at(-1) ?? 1;
  const inner = Math.max(0, width - LEFT - RIGHT);
  const places: Places = {
    column: inner / columns,
    x: (index) => LEFT + (inner * index) / columns,
    y: (value) => HEIGHT - BOTTOM - ((HEIGHT - TOP - BOTTOM) * value) / highest,
    floor: HEIGHT - BOTTOM,
  };
  // As many names under the axis as fit.
  const every = Math.max(1, Math.ceil(columns / Math.max(1, Math.floor(inner / 64))));
  return (
    <div ref={ref} className={classes.plot}>
      {width > 0 ? (
        <svg width={width} height={HEIGHT} role="img" aria-label={says}>
          {marks.map((mark) => (
            <g key={mark} aria-hidden>
              <line className={classes.line} x1={LEFT} x2={width - RIGHT} y1={places.y(mark)} y2={places.y(mark)} />
              <text className={classes.mark} x={LEFT - 6} y={places.y(mark)} dy="0.32em" textAnchor="end">
                {markText(mark)}
              </text>
            </g>
          ))}
          {Array.from({ length: columns }, (_, index) =>
            index % every === 0 ? (
              <text key={index} className={classes.mark} x={places.x(index) + places.column / 2} y={HEIGHT - 6} textAnchor="middle" aria-hidden>
                {columnText(index)}
              </text>
            ) : null,
          )}
          {children(places)}
        </svg>
      ) : null}
    </div>
  );
}
