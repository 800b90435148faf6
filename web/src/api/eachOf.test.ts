import { expect, it } from 'vitest';

import { eachOf } from './eachOf';

it('a listener that throws keeps no other from hearing, and its error is told', () => {
  const heard: string[] = [];
  const errors: unknown[] = [];
  const wrong = new Error('wrong');
  const listeners = [
    (word: string) => void heard.push(`first ${word}`),
    () => {
      throw wrong;
    },
    (word: string) => void heard.push(`last ${word}`),
  ];
  eachOf(listeners, 'word', (error) => errors.push(error));
  expect(heard).toEqual(['first word', 'last word']);
  expect(errors).toEqual([wrong]);
});
