import { describe, expect, it } from 'vitest';

import { budgetOf, budgetText, filled, isWrongBudget, listed, microsOf, newKey, NO_BUDGET, seconds, wholeNumber } from './forms';

describe('what people type', () => {
  it('empty text is nothing', () => {
    expect([filled('  '), wholeNumber(''), microsOf(' '), seconds(''), listed(' , \n'), budgetOf(NO_BUDGET)]).toEqual(Array(6).fill(undefined));
  });
  it('whole numbers may be grouped, and are refused below the least', () => {
    expect(wholeNumber('1_000 000')).toBe(1_000_000);
    expect(wholeNumber('-3', -10)).toBe(-3);
    expect([wholeNumber('1.5'), wholeNumber('-1'), wholeNumber('many'), wholeNumber('0', 1)]).toEqual(Array(4).fill(Number.NaN));
  });
  it('money is read in dollars, with either point', () => {
    expect([microsOf('2.50'), microsOf('$2,5'), microsOf('0.000001')]).toEqual([2_500_000, 2_500_000, 1]);
    expect(microsOf('2e3')).toBeNaN();
  });
  it('spans are read in their unit, seconds without one', () => {
    expect(['90', '90 s', '30m', '30 min', '2h', '7d'].map(seconds)).toEqual([90, 90, 1_800, 1_800, 7_200, 604_800]);
    expect(seconds('soon')).toBeNaN();
  });
  it('lists are split at lines and commas', () => {
    expect(listed('src/, docs/**\n\nREADME.md')).toEqual(['src/', 'docs/**', 'README.md']);
  });
  it('a budget has only what was given', () => {
    expect(budgetOf({ ...NO_BUDGET, dollars: '3' })).toEqual({ cost_micros: 3_000_000 });
  });
  it('no limit is 0: that is told, not sent', () => {
    for (const part of [{ runs: '0' }, { dollars: '0' }, { dollars: '0.00' }, { tokens: '0' }, { wall: '0' }, { wall: '0m' }]) expect(isWrongBudget({ ...NO_BUDGET, ...part }), JSON.stringify(part)).toBe(true);
    expect(isWrongBudget({ runs: '1', dollars: '0.01', tokens: '1', wall: '1s' })).toBe(false);
  });
  it('limits are shown as they are typed', () => {
    expect(budgetText({ runs: 3, cost_micros: 2_500_000, wall_secs: 1_800 })).toEqual({ runs: '3', dollars: '2.5', tokens: '', wall: '30m' });
  });
  it('keys are long and never the same', () => {
    expect(newKey()).toMatch(/^[0-9a-f]{32}$/);
    expect(newKey()).not.toBe(newKey());
  });
});
