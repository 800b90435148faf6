import { expect, it } from 'vitest';

import { budgetDefaults } from './budgetDefaults';

it('a limit that is left empty is told to be the default, with its number where that is known', () => {
  const items = [{ key: 'budget.runs', value: 50 }, { key: 'budget.secs', value: 7_200 }, { key: 'budget.usd', value: null }, { key: 'listen', value: '127.0.0.1:3001' }];
  expect(budgetDefaults(items, 'project')).toEqual({ runs: 'the project’s, else 50', wall: 'the project’s, else 2h' });
  expect(budgetDefaults(items, 'daemon').runs).toBe('the daemon’s: 50');
  expect(budgetDefaults(undefined, 'project')).toEqual({ runs: 'the default' });
});
