import { DataTable } from '@/parts/DataTable';
import { Section } from '@/parts/Section';

import classes from './charts.module.css';
import { Plot } from './Plot';
import { endedInWords, filled, OUTCOMES, totalOf, wholeMarks, type Throughput } from './series';

/** How many jobs ended in each hour or day, and how. */
export function ThroughputChart({ rows, starts, when, nameOf }: { rows: Throughput[]; starts: number[]; when: string; nameOf: (start: number) => string }) {
  const points = filled(rows, starts);
  const some = points.filter(({ row }) => row && totalOf(row) > 0);
  const words = endedInWords(some.map(({ row }) => row!));
  const marks = wholeMarks(Math.max(0, ...some.map(({ row }) => totalOf(row!))));
  return (
    <Section title="Jobs that ended" about={words}>
      {some.length === 0 ? null : (
        <>
          <p className={classes.legend} aria-hidden>
            {OUTCOMES.map((outcome) => (
              <span key={outcome} data-outcome={outcome}>
                {outcome}
              </span>
            ))}
          </p>
          <Plot says={words} marks={marks} markText={String} columns={points.length} columnText={(index) => nameOf(points[index]!.start)}>
            {({ x, y, column, floor }) =>
              points.map(({ start, row }, index) => {
                if (!row) return null;
                let base = 0;
                const wide = Math.min(48, Math.max(1, column - 3));
                return (
                  <g key={start}>
                    <title>{`${nameOf(start)}: ${endedInWords([row])}`}</title>
                    <rect x={x(index)} width={column} y={0} height={floor} className={classes.hover} />
                    {OUTCOMES.map((outcome) => {
                      const from = base;
                      base += row[outcome];
                      return row[outcome] > 0 ? (
                        <rect key={outcome} data-outcome={outcome} className={classes.bar} x={x(index) + (column - wide) / 2} width={wide} y={y(base)} height={y(from) - y(base)} />
                      ) : null;
                    })}
                  </g>
                );
              })
            }
          </Plot>
        </>
      )}
      {some.length > 0 ? (
        <details className={classes.table}>
          <summary>As a table</summary>
          <DataTable
            label="Jobs that ended"
            columns={[{ head: when, width: '40%' }, ...OUTCOMES.map((outcome) => ({ head: outcome, isRight: true, width: '100px' }))]}
            rows={some.map(({ start, row }) => ({ key: String(start), cells: [nameOf(start), ...OUTCOMES.map((outcome) => row![outcome])] }))}
            empty=""
          />
        </details>
      ) : null}
    </Section>
  );
}
