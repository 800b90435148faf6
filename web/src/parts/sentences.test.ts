import { expect, it } from 'vitest';

import { sentences, stopped } from './sentences';

it('texts in one line end before the next begins', () => {
  expect(sentences('It answered 503 overloaded', 'Look at the log')).toBe('It answered 503 overloaded. Look at the log');
  expect(sentences('Is it there?', null, '', 'Look (at the log.)', 'Then go on.')).toBe('Is it there? Look (at the log.) Then go on.');
  expect(sentences(undefined, 'ask ann')).toBe('ask ann');
});

it('what ends already gets no second stop', () => {
  for (const text of ['Done.', 'Why?', 'and so on…', 'He said “no.”', '']) expect(stopped(text)).toBe(text);
  expect(stopped('run `npm test`')).toBe('run `npm test`.');
});
