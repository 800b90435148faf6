import type { ReactNode } from 'react';

import { Nothing } from './Section';
import classes from './DataTable.module.css';

export interface Column {
  head: string;
  /** Numbers and times stand at the right. */
  isRight?: boolean;
  /** As CSS takes it; without it the column is as wide as it needs. */
  width?: string;
  /** Holds buttons, which say themselves what they are: on a phone it needs no name. */
  acts?: boolean;
  /** May take more than one line. */
  wraps?: boolean;
}
export interface TableRow {
  key: string;
  cells: ReactNode[];
}

/**
 * A table that need not be virtual: a few hundred rows at most. On a phone each row becomes a block, and what has no value is left out of it.
 */
export function DataTable({ label, columns, rows, empty }: { label: string; columns: Column[]; rows: TableRow[]; empty: ReactNode }) {
  if (rows.length === 0) return <Nothing>{empty}</Nothing>;
  return (
    <table className={classes.table} aria-label={label}>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column.head} scope="col" data-right={column.isRight || undefined} style={{ width: column.width }}>
              {column.head}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={row.key}>
            {row.cells.map((cell, index) => {
              const column = columns[index]!;
              const isEmpty = cell === null || cell === undefined || cell === '' || cell === false;
              return (
                <td
                  key={column.head}
                  data-label={index > 0 && columns.length > 2 && !column.acts ? column.head : undefined}
                  data-empty={isEmpty || undefined}
                  data-right={column.isRight || undefined}
                  data-wraps={column.wraps || undefined}
                >
                  {isEmpty ? null : cell}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
