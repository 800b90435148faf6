import type { Charts } from '@/api/types';
import { DataTable } from '@/parts/DataTable';
import { Section } from '@/parts/Section';
import { span } from '@/parts/timewords';

import classes from './charts.module.css';
import { Plot, type Places } from './Plot';
import { filled, timeMarks } from './series';

const LINES = [
  { key: 'p50_secs', name: 'half took at most' },
  { key: 'p95_secs', name: '95 % took at most' },
] as const;
const time = (secs: number) => span(secs * 1_000);

/** How long jobs took that succeeded: what half of them, and nearly all of them, stayed under. */
export function DurationChart({ rows, starts, when, nameOf }: { rows: Charts['durations']; starts: number[]; when: string; nameOf: (start: number) => string }) {
  const points = filled(rows, starts);
  const some = points.filter(({ row }) => row && row.count > 0);
  const last = some.at(-1);
  const words = last ? `Last (${nameOf(last.start)}): half took at most ${time(last.row!.p50_secs)}, 95 % at most ${time(last.row!.p95_secs)}.` : 'None succeeded.';
  return (
    <Section title="How long jobs took that succeeded" about={words}>
      {some.length === 0 ? null : (
        <>
          <p className={classes.legend} aria-hidden>
            {LINES.map(({ key, name }) => (
              <span key={key} data-line={key}>
                {name}
              </span>
            ))}
          </p>
          <Plot says={words} marks={timeMarks(Math.max(...some.map(({ row }) => row!.p95_secs)))} markText={(secs) => (secs === 0 ? '0' : time(secs))} columns={points.length} columnText={(index) => nameOf(points[index]!.start)}>
            {(places) => (
              <>
                {LINES.map(({ key }) => (
                  <g key={key} data-line={key} className={classes.curve}>
                    <path d={curve(points.map(({ row }) => (row && row.count > 0 ? row[key] : null)), places)} />
                    {points.map(({ start, row }, index) =>
                      // A single one would be two dots on nothing: it is drawn as bars, the shorter before the longer.
                      some.length === 1 && row && row.count > 0 ? (
                        <rect key={`${start} alone`} className={classes.alone} x={places.x(index) + places.column / 2 + (key === 'p50_secs' ? -26 : 2)} width={24} y={places.y(row[key])} height={places.floor - places.y(row[key])} />
                      ) : row && row.count > 0 ? <circle key={start} cx={places.x(index) + places.column / 2} cy={places.y(row[key])} r={2.5} /> : null,
                    )}
                  </g>
                ))}
                {points.map(({ start, row }, index) =>
                  row && row.count > 0 ? (
                    <rect key={start} x={places.x(index)} width={places.column} y={0} height={places.floor} className={classes.hover}>
                      <title>{`${nameOf(start)}: ${row.count} jobs, half at most ${time(row.p50_secs)}, 95 % at most ${time(row.p95_secs)}`}</title>
                    </rect>
                  ) : null,
                )}
              </>
            )}
          </Plot>
        </>
      )}
      {some.length > 0 ? (
        <details className={classes.table}>
          <summary>As a table</summary>
          <DataTable
            label="How long jobs took that succeeded"
            columns={[
              { head: when, width: '40%' },
              { head: 'Jobs', isRight: true, width: '100px' },
              { head: 'Half at most', isRight: true, width: '130px' },
              { head: '95 % at most', isRight: true, width: '130px' },
            ]}
            rows={some.map(({ start, row }) => ({ key: String(start), cells: [nameOf(start), row!.count, time(row!.p50_secs), time(row!.p95_secs)] }))}
            empty=""
          />
        </details>
      ) : null}
    </Section>
  );
}

/** A line through what there is; it does not run through hours or days in which nothing ran. */
function curve(values: (number | null)[], { x, y, column }: Places): string {
  let isDown = false;
  let path = '';
  values.forEach((value, index) => {
    if (value !== null) path += `${isDown ? 'L' : 'M'}${(x(index) + column / 2).toFixed(1)} ${y(value).toFixed(1)}`;
    isDown = value !== null;
  });
  return path;
}
