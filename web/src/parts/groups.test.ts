import { expect, it } from 'vitest';

import { groupRows } from './groups';
import { rowsOf } from './rowsOf';

it('rows stand under headings that count them, in their own order', () => {
  const lines = groupRows(['a1', 'a2', 'b1'], (row) => row[0]!);
  expect(lines).toEqual([
    { is: 'heading', label: 'a', count: 2, isLast: false },
    { is: 'row', row: 'a1' },
    { is: 'row', row: 'a2' },
    { is: 'heading', label: 'b', count: 1, isLast: true },
    { is: 'row', row: 'b1' },
  ]);
});

it('without groups there are rows alone', () => {
  expect(groupRows(['a'], undefined)).toEqual([{ is: 'row', row: 'a' }]);
});

it('a row that moved from one page to another between two questions is there once', () => {
  const data = { pages: [{ items: ['a', 'b'] }, { items: ['b', 'c'] }], pageParams: [] };
  expect(rowsOf(data, (row) => row)).toEqual(['a', 'b', 'c']);
});
