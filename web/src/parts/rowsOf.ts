import type { InfiniteData } from '@tanstack/react-query';

/** The rows of all pages, each once: a row that moved between two questions may be on two of them. */
export function rowsOf<Row>(data: InfiniteData<{ items: Row[] }> | undefined, keyOf: (row: Row) => string): Row[] {
  const seen = new Set<string>();
  const rows: Row[] = [];
  for (const page of data?.pages ?? []) {
    for (const row of page.items) {
      const key = keyOf(row);
      if (!seen.has(key)) {
        seen.add(key);
        rows.push(row);
      }
    }
  }
  return rows;
}
