import assert from 'node:assert/strict';
import test from 'node:test';

import { slug } from '../slug.js';

test('a title becomes a slug', () => {
  assert.equal(slug('  Hello, World!  '), 'hello-world');
  assert.equal(slug('Crème  brûlée'), 'crème-brûlée');
});
