import { describe, expect, it } from 'vitest';

import { heldByWorker } from './words';

const waiting = (worker: string, hold: string, until: string | null = null) => ({ hold, until, job: { worker } }) as Parameters<typeof heldByWorker>[0][number];

describe('why work is held', () => {
  it('is counted for each worker, the most frequent first, with the nearest end', () => {
    const held = heldByWorker([
      waiting('default', 'backoff', '2026-11-22T12:10:00Z'),
      waiting('default', 'worker_busy'),
      waiting('default', 'worker_busy'),
      waiting('default', 'worker_busy'),
      waiting('default', 'backoff', '2026-11-22T12:05:00Z'),
      waiting('big', 'file_locked'),
    ]);
    expect(held.get('default')).toEqual([
      { hold: 'worker_busy', count: 3, until: null },
      { hold: 'backoff', count: 2, until: '2026-11-22T12:05:00Z' },
    ]);
    expect(held.get('big')).toEqual([{ hold: 'file_locked', count: 1, until: null }]);
  });
  it('work without a job or a hold counts nowhere', () => {
    expect(heldByWorker([{ hold: null, until: null, job: null }]).size).toBe(0);
  });
});
