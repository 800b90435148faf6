import { expect, it } from 'vitest';

import { bytes } from './bytes';

it('sizes are told in the unit that fits', () => {
  expect([0, 999, 1_000, 812_000, 999_600, 3_440_000_000].map(bytes)).toEqual(['0 B', '999 B', '1.0 kB', '812 kB', '1.0 MB', '3.4 GB']);
});
