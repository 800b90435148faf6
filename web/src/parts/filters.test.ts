import { describe, expect, it } from 'vitest';

import { filtersOf, parseFilters, printFilters, searchOf, sinceTime, untilTime, validFilterSearch, type Filters } from './filters';

const STATUSES = ['running', 'waiting', 'blocked', 'complete'];
const parse = (text: string) => parseFilters(text, STATUSES);

describe('the typed filter', () => {
  it('reads keys and words in any order', () => {
    expect(parse('dark status:running,blocked project:shop mode since:7d')).toEqual({
      filters: { q: 'dark mode', status: ['running', 'blocked'], project: 'shop', since: '7d' },
      problems: [],
    });
  });

  it('takes a key more than once for statuses, and names in quotes', () => {
    expect(parse('status:running status:waiting status:running project:"my \\"own\\" shop"').filters).toEqual({
      status: ['running', 'waiting'],
      project: 'my "own" shop',
    });
  });

  it('tells what it cannot understand, and leaves it out', () => {
    const { filters, problems } = parse('status:runing since:soon until:2026-13-45 project: cart');
    expect(filters).toEqual({ q: 'cart' });
    expect(problems).toHaveLength(4);
    expect(problems[0]).toContain('runing is no status here');
  });

  it('says which filters there are where it is asked for another, and leaves it out', () => {
    for (const text of ['harness:x', 'foo:bar', 'Foo:"a b"']) {
      const { filters, problems } = parse(`${text} cart`);
      expect(filters, text).toEqual({ q: 'cart' });
      expect(problems, text).toEqual([expect.stringMatching(/is no filter; there are project, status/)]);
    }
    expect(parse('"foo:bar"')).toEqual({ filters: { q: 'foo:bar' }, problems: [] });
  });

  it('takes what else a list can be narrowed to only where it can, and only words that it knows', () => {
    const more = { type: ['plan', 'pm'], worker: null };
    expect(parseFilters('type:plan worker:night cart', STATUSES, more)).toEqual({ filters: { type: 'plan', worker: 'night', q: 'cart' }, problems: [] });
    expect(parseFilters('type:x assignment:asg_1', STATUSES, more)).toEqual({
      filters: {},
      problems: ['x is no type; there are plan, pm', expect.stringMatching(/^assignment is no filter; there are project, .*, type, worker\./)],
    });
    expect(parse('worker:night').problems).toHaveLength(1);
    expect(parse('worker: night').filters).toEqual({ q: 'worker: night' });
    const filters = { type: 'pm', worker: 'a b', q: 'worker: x' };
    expect(parseFilters(printFilters(filters), STATUSES, more)).toEqual({ filters, problems: [] });
    expect(filtersOf({ type: 'x', worker: 'night', assignment: 'asg_1' }, STATUSES, more)).toEqual({ worker: 'night' });
  });

  it('takes colons that outsiders write for words', () => {
    expect(parse('fix: crash at 12:30 http://example.org').filters).toEqual({ q: 'fix: crash at 12:30 http://example.org' });
  });

  const cases: Filters[] = [
    {},
    { q: 'dark mode' },
    { status: ['running'], project: 'shop', source: 'cli', since: '24h', until: '2026-11-20' },
    { project: 'a "quoted" name with \\ in it', q: 'say "hello" twice' },
    { q: 'status:running project:' },
    { q: 'foo:bar fix: 12:30 http://example.org' },
    { q: '\\ " "" STATUS:x' },
    { project: 'Ünïcode ✓', q: '日本語 🎉' },
  ];
  it.each(cases)('reads back what it wrote: %j', (filters) => {
    expect(parse(printFilters(filters))).toEqual({ filters, problems: [] });
  });

  it('reads any text to an end, and writes what it read so that it reads the same', () => {
    const pieces = ['status:', 'running', '"', '\\', ' ', 'project:', 'a', ':', 'since:', '7d', ',', '\t', 'é'];
    let seed = 7;
    const next = () => (seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648);
    for (let n = 0; n < 3_000; n++) {
      const text = Array.from({ length: next() % 12 }, () => pieces[next() % pieces.length]).join('');
      const { filters } = parse(text);
      expect(parse(printFilters(filters)).filters, text).toEqual(filters);
    }
  });
});

describe('filters in the URL', () => {
  it('go there and back', () => {
    const filters = { project: 'shop', status: ['running', 'blocked'], source: undefined, since: '7d', until: undefined, q: 'dark' };
    expect(filtersOf(searchOf(filters), STATUSES)).toEqual(filters);
  });

  it('leave out statuses that this list does not have', () => {
    expect(filtersOf({ status: 'active,running' }, STATUSES).status).toEqual(['running']);
    expect(filtersOf({ status: 'active' }, STATUSES).status).toBeUndefined();
  });

  it('survive whatever stands there', () => {
    expect(validFilterSearch({ project: 7, status: ['x'], since: 'soon', until: '<b>', q: 'x'.repeat(900) })).toEqual({
      project: undefined,
      status: undefined,
      source: undefined,
      since: undefined,
      until: undefined,
      q: 'x'.repeat(300),
    });
  });

  it('name times as the API takes them', () => {
    expect(sinceTime('24h', Date.parse('2026-11-22T12:00:00Z'))).toBe('2026-11-21T12:00:00.000Z');
    expect(Date.parse(untilTime('2026-11-20')!) - Date.parse(sinceTime('2026-11-20', 0)!)).toBe(24 * 3_600_000);
    expect(sinceTime(undefined, 0)).toBeUndefined();
  });
});
