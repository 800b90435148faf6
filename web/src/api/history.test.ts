import { describe, expect, it } from 'vitest';

import { windowBelow, type Below } from './history';
import { ApiProblem } from './problem';
import type { WindlassEvent } from './types';

const event = (seq: number) => ({ seq, kind: 'job.status', at: '', data: {} }) as unknown as WindlassEvent;

/** A log of which only some numbers pass the filter, and none before `first` is kept. */
function log(numbers: number[], first = 0) {
  let questions = 0;
  const ask = async (after: number, limit: number) => {
    questions += 1;
    if (after + 1 < first) throw new ApiProblem({ status: 410, title: 'Gone', detail: 'No longer kept.' });
    return numbers.filter((n) => n > after).slice(0, limit).map(event);
  };
  return { ask, questions: () => questions };
}

async function all(ask: ReturnType<typeof log>['ask'], upTo: number) {
  const seen: number[] = [];
  let next: Below | null = { upTo, span: 500 };
  let isCut = false;
  while (next) {
    const window = await windowBelow(ask, next);
    seen.push(...window.items.map((e) => e.seq));
    isCut ||= window.isCut;
    next = window.next;
  }
  return { seen, isCut };
}

describe('the log of events read backwards', () => {
  it('gives every event once, newest first', async () => {
    const numbers = Array.from({ length: 1_730 }, (_, n) => n + 1);
    const { ask } = log(numbers);
    expect((await all(ask, 1_730)).seen).toEqual(numbers.toReversed());
  });

  it('leaves out what happened after the end that was asked for', async () => {
    const { ask } = log([1, 2, 3, 4, 5]);
    expect((await all(ask, 3)).seen).toEqual([3, 2, 1]);
  });

  it('finds a rare kind in few questions', async () => {
    const { ask, questions } = log([12, 400_000]);
    expect((await all(ask, 1_000_000)).seen).toEqual([400_000, 12]);
    expect(questions()).toBeLessThan(12);
  });

  it('goes on within a window that holds more than one answer', async () => {
    const numbers = Array.from({ length: 1_200 }, (_, n) => n + 1);
    const { ask } = log(numbers);
    expect((await windowBelow(ask, { upTo: 1_200, span: 4_000 })).items).toHaveLength(1_200);
  });

  it('comes to the end of what is kept, and says so', async () => {
    const numbers = Array.from({ length: 300 }, (_, n) => n + 701);
    const { ask } = log(numbers, 701);
    const { seen, isCut } = await all(ask, 1_000);
    expect(isCut).toBe(true);
    expect(seen).toHaveLength(300);
    expect(new Set(seen).size).toBe(seen.length);
  });

  it('a refusal of another kind is passed on', async () => {
    const ask = () => Promise.reject(new ApiProblem({ status: 403, title: 'No', detail: 'Not yours.' }));
    await expect(windowBelow(ask, { upTo: 10, span: 5 })).rejects.toThrow('Not yours.');
  });
});
