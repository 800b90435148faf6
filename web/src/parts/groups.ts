/** Rows under headings. */

export type Line<Row> = { is: 'row'; row: Row } | { is: 'heading'; label: string; count: number; isLast: boolean };

/** Puts a heading before the first row of each group, with how many stand under it. Rows keep their order. */
export function groupRows<Row>(rows: readonly Row[], groupOf: ((row: Row) => string) | undefined): Line<Row>[] {
  if (!groupOf) return rows.map((row) => ({ is: 'row', row }));
  const lines: Line<Row>[] = [];
  let heading: Extract<Line<Row>, { is: 'heading' }> | undefined;
  for (const row of rows) {
    const label = groupOf(row);
    if (heading?.label !== label) {
      heading = { is: 'heading', label, count: 0, isLast: false };
      lines.push(heading);
    }
    heading.count += 1;
    lines.push({ is: 'row', row });
  }
  if (heading) heading.isLast = true;
  return lines;
}
