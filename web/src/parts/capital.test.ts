import { expect, it } from 'vitest';

import { capital } from './capital';

it('a sentence begins with a capital letter', () => {
  expect(capital('the check stayed red')).toBe('The check stayed red');
  expect(capital('élan, and more')).toBe('Élan, and more');
  expect(capital('it’s over')).toBe('It’s over');
  expect(capital('')).toBe('');
});

it('a path, an id, a quoted command or a word of code keeps its letters', () => {
  for (const text of ['src/cart.ts is locked', 'asg_01 waits', 'windlass clean removes it', '`npm test` failed', 'max_retries is 3', 'cart.test.ts fails', '3 tests fail']) expect(capital(text)).toBe(text);
});
