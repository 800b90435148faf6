import { describe, expect, it } from 'vitest';

import type { Need } from '@/api/types';

import { noticesOf, whatIsNew } from './notices';

const need = (key: string, more: Partial<Need> = {}): Need => ({ key, kind: 'blocked', title: `Work ${key}`, why: 'The check is red.', since: '2026-11-22T10:00:00Z', assignment_id: `asg_${key}`, ...more });
const keys = (needs: Need[]) => needs.map((one) => one.key);

describe('what is new in the inbox', () => {
  it('is nothing at the first look', () => {
    expect(whatIsNew([need('a'), need('b')], null, ['needs_you'])).toEqual({ fresh: [], known: ['a', 'b'] });
  });

  it('is what was not there before, once', () => {
    const { fresh, known } = whatIsNew([need('a'), need('b')], ['a'], ['needs_you']);
    expect(keys(fresh)).toEqual(['b']);
    expect(whatIsNew([need('a'), need('b')], known, ['needs_you']).fresh).toEqual([]);
  });

  it('is not what was gone for a while and is there again by the same key', () => {
    const { known } = whatIsNew([need('b')], ['a', 'b'], ['needs_you']);
    expect(whatIsNew([need('a'), need('b')], known, ['needs_you']).fresh).toEqual([]);
  });

  it('is of the chosen kinds only; the others count as known', () => {
    const needs = [need('a'), need('b', { kind: 'dead_letter' }), need('c', { kind: 'storage' })];
    const { fresh, known } = whatIsNew(needs, [], ['dead']);
    expect(keys(fresh)).toEqual(['b']);
    expect(whatIsNew(needs, known, ['needs_you']).fresh).toEqual([]);
  });

  it('keeps what is there however much it is, and of what is gone the last', () => {
    const many = Array.from({ length: 3_000 }, (_, n) => need(String(n)));
    const { known } = whatIsNew(many, [], ['needs_you']);
    expect(known).toHaveLength(3_000);
    expect(whatIsNew([], known, ['needs_you']).known).toEqual(known.slice(-500));
  });
});

describe('what is told of it', () => {
  it('names the thing and why, as plain text, and where a click leads', () => {
    expect(noticesOf([need('a', { title: 'Pay\u202e <b>now</b>\n', project: 'shop', action: 'Look at it.' })])).toEqual([
      { tag: 'a', title: 'Blocked: Pay⟨U+202E⟩ <b>now</b>', body: 'shop · The check is red. · Look at it.', path: '/assignments/asg_a' },
    ]);
    expect(noticesOf([need('b', { kind: 'breaker', assignment_id: null })])[0]!.path).toBe('/workers');
  });

  it('many things are told in one', () => {
    const [notice, ...more] = noticesOf(Array.from({ length: 500 }, (_, n) => need(String(n))));
    expect(more).toEqual([]);
    expect(notice).toMatchObject({ title: '500 things need you', path: '/inbox' });
    expect(notice!.body.split('\n')).toEqual(['Work 0', 'Work 1', 'Work 2', 'Work 3', 'and 496 more']);
  });
});
