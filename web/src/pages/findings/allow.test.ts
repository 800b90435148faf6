import { expect, it } from 'vitest';

import { allowEntry } from './allow';

it('an entry names the fingerprint', () => {
  expect(allowEntry({ fingerprint: '0f3c5a', path: 'conf/app.env' })).toBe(
    '# conf/app.env\n[[allow]]\nfingerprint = "0f3c5a"\nreason = "why it is none"\n',
  );
});

it('neither path nor fingerprint can add lines or keys to it', () => {
  const entry = allowEntry({ fingerprint: 'a"\npath = "**', path: 'x\n[[allow]]\npath = "**"' });
  expect(entry.split('\n').filter((line) => line === '[[allow]]')).toHaveLength(1);
  expect(entry.split('\n').filter((line) => line.startsWith('path'))).toHaveLength(0);
});
