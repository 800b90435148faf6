import { expect, it } from 'vitest';

import { latencyInWords } from './latency';

it('latencies are told by the buckets they fall in', () => {
  expect(latencyInWords({ counts: [0, 0, 60, 30, 10, 0, 0, 0, 0, 0, 0] })).toBe('half within 5 ms, 95 % within 25 ms');
  expect(latencyInWords({ counts: [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 1] })).toBe('half within 1 s, 95 % over 10 s');
  expect(latencyInWords({ counts: [0, 0, 0] })).toBe('');
});
