import { describe, expect, it } from 'vitest';

import { Refresher } from './refresher';
import { FakeTime } from './testing';

function setUp(answerMs = 10) {
  const time = new FakeTime();
  const asked: { key: string; at: number }[] = [];
  let going = 0;
  let mostAtOnce = 0;
  const refresher = new Refresher((key) => {
    asked.push({ key: key.join('/'), at: time.now() });
    mostAtOnce = Math.max(mostAtOnce, (going += 1));
    return new Promise<void>((done) =>
      time.after(answerMs, () => {
        going -= 1;
        done();
      }),
    );
  }, time);
  return { time, asked, refresher, most: () => mostAtOnce };
}

describe('asking again', () => {
  it('happens soon after one event', async () => {
    const { time, asked, refresher } = setUp();
    refresher.mark(['work']);
    await time.advance(1_000);
    expect(asked).toEqual([{ key: 'work', at: 50 }]);
  });

  it('happens at most each 100 ms for 200 events a second, never twice at once, and after the last event', async () => {
    const { time, asked, refresher, most } = setUp();
    for (let n = 0; n < 200; n++) {
      refresher.mark(['work']);
      await time.advance(5);
    }
    const last = time.now() - 5;
    await time.advance(1_000);
    expect(asked.length).toBeLessThanOrEqual(11);
    expect(asked.length).toBeGreaterThanOrEqual(8);
    expect(asked.at(-1)!.at).toBeGreaterThanOrEqual(last);
    expect(most()).toBe(1);
  });

  it('leaves a slow daemon twice as long alone as its last answer took', async () => {
    const { time, asked, refresher } = setUp(1_000);
    for (let n = 0; n < 100; n++) {
      refresher.mark(['work']);
      await time.advance(100);
    }
    const pauses = asked.slice(1).map((ask, n) => ask.at - asked[n]!.at);
    expect(Math.min(...pauses)).toBeGreaterThanOrEqual(3_000);
  });

  it('keeps questions apart by their keys', async () => {
    const { time, asked, refresher } = setUp();
    refresher.mark(['job', 'a']);
    refresher.mark(['job', 'b']);
    refresher.mark(['job', 'a']);
    await time.advance(1_000);
    expect(asked.map((ask) => ask.key)).toEqual(['job/a', 'job/b']);
  });

  it('stops', async () => {
    const { time, asked, refresher } = setUp();
    refresher.mark(['work']);
    refresher.stop();
    await time.advance(1_000);
    expect(asked).toEqual([]);
  });
});
