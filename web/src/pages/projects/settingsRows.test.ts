import { expect, it } from 'vitest';

import { settingsRows } from './settingsRows';

it('settings are told in words, and only those that are set', () => {
  expect(
    settingsRows({
      verify: 'npm test', propose: false, timeout_secs: 1_800, budget: { cost_micros: 2_500_000, wall_secs: 3_600, runs: null }, harness_defaults: { default: 'claude' }, guarded_paths: [],
    }).map(({ name, value }) => [name, value]),
  ).toEqual([
    ['Check of every change', 'npm test'],
    ['Agents', 'default: claude'],
    ['Budget of each assignment', 'cost: $2.50, wall: 1 h'],
    ['Time of one run, at most', '30 min'],
  ]);
});

it('a setting that this page does not know yet is shown by its own name', () => {
  expect(settingsRows({ new_thing: 7 } as never)).toEqual([{ key: 'new_thing', name: 'new thing', value: '7' }]);
});
