import type { Charts } from '@/api/types';
import { cleanLine } from '@/parts/clean';
import { DataTable } from '@/parts/DataTable';
import { count, money } from '@/parts/Money';
import { Section } from '@/parts/Section';

import classes from './charts.module.css';
import { shareOf } from './series';

/** What was spent, by project and agent: a table whose bars are its chart. */
export function CostTable({ rows }: { rows: Charts['cost'] }) {
  const sorted = rows.toSorted((a, b) => b.cost_micros - a.cost_micros || b.tokens - a.tokens);
  const total = sorted.reduce((sum, row) => sum + row.cost_micros, 0);
  const unknown = sorted.reduce((sum, row) => sum + row.unknown_cost_attempts, 0);
  const told = unknown > 0 ? `; ${unknown === 1 ? '1 attempt did not tell what it' : `${unknown} attempts did not tell what they`} cost` : '';
  return (
    <Section title="Cost by project and agent" about={sorted.length > 0 ? `${money(total, unknown === 0) ?? '$0.00'} in all${told}` : null}>
      <DataTable
        label="Cost by project and agent"
        columns={[
          { head: 'Project', width: '18%' },
          { head: 'Agent', width: '110px' },
          { head: 'Cost', isRight: true, width: '110px' },
          { head: 'Share' },
          { head: 'Attempts', isRight: true, width: '90px' },
          { head: 'Tokens', isRight: true, width: '90px' },
        ]}
        rows={sorted.map((row) => ({
          key: `${row.project} ${row.harness}`,
          cells: [
            cleanLine(row.project),
            cleanLine(row.harness),
            money(row.cost_micros, row.unknown_cost_attempts === 0) ?? '$0.00',
            <Bar key="bar" share={shareOf(row.cost_micros, total)} />,
            row.attempts,
            count(row.tokens),
          ],
        }))}
        empty="Nothing was spent."
      />
    </Section>
  );
}

/** What went wrong, the most frequent first. */
export function FailureTable({ rows }: { rows: Charts['failures'] }) {
  const sorted = rows.toSorted((a, b) => b.count - a.count);
  const total = sorted.reduce((sum, row) => sum + row.count, 0);
  const classesOf = new Map<string, number>();
  for (const row of sorted) classesOf.set(row.class, (classesOf.get(row.class) ?? 0) + row.count);
  const words = [...classesOf].sort((a, b) => b[1] - a[1]).map(([name, n]) => `${n} ${cleanLine(name)}`);
  return (
    <Section title="Failures by class" about={words.length > 0 ? words.join(', ') : null}>
      <DataTable
        label="Failures by class"
        columns={[
          { head: 'What', width: '18%' },
          { head: 'Class', width: '110px' },
          { head: 'Times', isRight: true, width: '110px' },
          { head: 'Share' },
        ]}
        rows={sorted.map((row) => ({
          key: `${row.class} ${row.kind}`,
          cells: [cleanLine(row.kind).replaceAll('_', ' '), cleanLine(row.class), row.count, <Bar key="bar" share={shareOf(row.count, total)} isBad />],
        }))}
        empty="Nothing failed."
      />
    </Section>
  );
}

function Bar({ share, isBad = false }: { share: number; isBad?: boolean }) {
  return (
    <span className={classes.share} data-bad={isBad || undefined} aria-hidden>
      <span style={{ width: `${Math.max(share * 100, share > 0 ? 1 : 0)}%` }} />
    </span>
  );
}
