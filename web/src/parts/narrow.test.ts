import { describe, expect, it } from 'vitest';

import { countBy, narrow, type Look } from './narrow';

const NOW = Date.parse('2026-11-22T12:00:00Z');
const rows = [
  { name: 'src/cart.ts', status: 'held', project: 'shop', at: '2026-11-22T11:00:00Z' },
  { name: 'docs/cart.md', status: 'waiting', project: 'shop', at: '2026-11-20T11:00:00Z' },
  { name: 'main.tf', status: 'held', project: 'infra', at: null },
];
const look = (row: (typeof rows)[number]): Look => ({ status: row.status, project: row.project, at: row.at, words: [row.name] });
const names = (filters: Parameters<typeof narrow>[1]) => narrow(rows, filters, look, NOW).map((row) => row.name);

describe('narrowing rows', () => {
  it('lets all pass without a filter, and keeps the very list', () => {
    expect(narrow(rows, {}, look, NOW)).toBe(rows);
  });
  it('by status, project and words together', () => {
    expect(names({ status: ['held'] })).toEqual(['src/cart.ts', 'main.tf']);
    expect(names({ status: ['held'], project: 'shop' })).toEqual(['src/cart.ts']);
    expect(names({ q: 'CART docs' })).toEqual(['docs/cart.md']);
  });
  it('by time, and what has none always passes', () => {
    expect(names({ since: '24h' })).toEqual(['src/cart.ts', 'main.tf']);
  });
  it('a source that rows do not have lets none pass', () => {
    expect(names({ source: 'cli' })).toEqual([]);
  });
  it('counts each status', () => {
    expect(countBy(rows, (row) => row.status)).toEqual({ held: 2, waiting: 1 });
  });
});
