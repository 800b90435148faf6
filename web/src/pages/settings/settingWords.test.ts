import { expect, it } from 'vitest';

import { bySection, valueInWords } from './settingWords';

const setting = (key: string, value: unknown, origin = 'default') => ({ key, value, origin, from: '' });

it('settings stand under the first word of their key, the daemon’s own first', () => {
  expect(bySection([setting('sandbox.mode', 'auto'), setting('listen', '127.0.0.1:3001'), setting('sandbox.network', 'open')], '').map((s) => [s.name, s.items.length])).toEqual([
    ['Daemon', 1],
    ['sandbox', 2],
  ]);
});
it('words look at key, value and origin', () => {
  const items = [setting('sandbox.mode', 'auto', 'file'), setting('listen', '127.0.0.1:3001')];
  expect(bySection(items, 'FILE mode')).toHaveLength(1);
  expect(bySection(items, 'nothing')).toHaveLength(0);
});
it('values are told as people write them', () => {
  expect([true, null, ['a', 1], [], { a: 1 }, 'x\u202ey'].map(valueInWords)).toEqual(['yes', 'not set', 'a, 1', 'none', '{"a":1}', 'x⟨U+202E⟩y']);
});
