import { describe, expect, it } from 'vitest';

import { EventStream, type Source, type StreamState } from './stream';
import { FakeTime } from './testing';

/** A daemon that can be away, and a page that remembers what it was told. */
function setUp(newest = 10) {
  const time = new FakeTime();
  const world = { newest, isAway: false, opened: [] as { after: number; source: Source }[], events: [] as number[], gaps: 0, states: [] as StreamState[] };
  const stream = new EventStream({
    open: (after) => {
      const source: Source = { onopen: null, onerror: null, onmessage: null, close: () => {} };
      world.opened.push({ after, source });
      return source;
    },
    newest: () => (world.isAway ? Promise.reject(new Error('away')) : Promise.resolve(world.newest)),
    onEvent: (data) => world.events.push((JSON.parse(data) as { seq: number }).seq),
    onGap: () => (world.gaps += 1),
    onState: (state) => world.states.push(state),
    timers: time,
    wall: () => time.now(),
    random: () => 1,
  });
  const source = () => world.opened.at(-1)!.source;
  const tell = (seq: number) => source().onmessage!({ data: JSON.stringify({ seq }), lastEventId: String(seq) });
  const state = () => world.states.at(-1)!;
  return { time, world, stream, source, tell, state };
}

describe('the event stream', () => {
  it('follows from the number that the figures were read at, so nothing falls between', async () => {
    const { stream, world, time, source, tell, state } = setUp(10);
    stream.start();
    await time.settle();
    expect(world.opened[0]!.after).toBe(10);
    source().onopen!();
    expect(state()).toEqual({ is: 'live' });
    tell(11);
    expect(world.events).toEqual([11]);
  });

  it('tells no event twice', async () => {
    const { stream, world, time, tell } = setUp(10);
    stream.start();
    await time.settle();
    for (const seq of [11, 12, 11, 12, 13]) tell(seq);
    expect(world.events).toEqual([11, 12, 13]);
  });

  it('resumes after the last number seen, and says for how long it was away', async () => {
    const { stream, world, time, source, tell, state } = setUp(10);
    stream.start();
    await time.settle();
    source().onopen!();
    tell(15);
    world.newest = 20;
    source().onerror!();
    expect(state()).toMatchObject({ is: 'reconnecting', since: 0 });
    await time.advance(250);
    expect(world.opened.at(-1)!.after).toBe(15);
    source().onopen!();
    expect(state()).toMatchObject({ is: 'resumed', awayMs: 250 });
    await time.advance(6_000);
    expect(state()).toEqual({ is: 'live' });
    expect(world.gaps).toBe(0);
  });

  it('waits longer after each failure, up to a limit, and says since when it is away', async () => {
    const { stream, world, time, state } = setUp();
    world.isAway = true;
    stream.start();
    await time.settle();
    const waits: number[] = [];
    for (let n = 0; n < 9; n++) {
      const now = state();
      if (now.is !== 'reconnecting') throw new Error(now.is);
      expect(now.since).toBe(0);
      waits.push(now.nextTryAt! - time.now());
      await time.advance(now.nextTryAt! - time.now());
    }
    expect(waits).toEqual([250, 500, 1_000, 2_000, 4_000, 8_000, 15_000, 15_000, 15_000]);
  });

  it('asks for everything anew when the daemon has another history', async () => {
    const { stream, world, time, source, tell } = setUp(100);
    stream.start();
    await time.settle();
    tell(101);
    world.newest = 7;
    source().onerror!();
    await time.advance(250);
    expect(world.gaps).toBe(1);
    expect(world.opened.at(-1)!.after).toBe(7);
  });

  it('asks for everything anew when events between were not kept', async () => {
    const { stream, world, time, source, tell } = setUp(100);
    stream.start();
    await time.settle();
    source().onmessage!({ data: '{"first":501}', lastEventId: '500' });
    expect(world.gaps).toBe(1);
    tell(501);
    expect(world.events).toEqual([501]);
  });

  it('tries at once when it is told to, and an attempt that is overtaken changes nothing', async () => {
    const { stream, world, time, state } = setUp();
    world.isAway = true;
    stream.start();
    await time.settle();
    world.isAway = false;
    stream.retryNow();
    stream.retryNow();
    await time.settle();
    expect(world.opened).toHaveLength(1);
    world.opened[0]!.source.onopen!();
    expect(state().is).toBe('resumed');
  });

  it('says nothing more after it was closed', async () => {
    const { stream, world, time } = setUp();
    stream.start();
    stream.close();
    await time.settle();
    expect(world.opened).toHaveLength(0);
    expect(world.states).toEqual([{ is: 'connecting' }]);
  });
});
