import { describe, expect, it } from 'vitest';

import { openSource, SILENCE_MS } from './source';
import { FakeTime } from './testing';

/** A source over an answer that is written piece by piece, and what it told. */
function setUp(status = 200) {
  const time = new FakeTime();
  const told: string[] = [];
  let out!: ReadableStreamDefaultController<Uint8Array>;
  const ask = ((_: string, { signal }: RequestInit) => {
    const body = new ReadableStream<Uint8Array>({ start: (controller) => void (out = controller) });
    signal!.addEventListener('abort', () => out.error(new DOMException('', 'AbortError')));
    return Promise.resolve(new Response(body, { status }));
  }) as typeof fetch;
  const source = openSource(7, ask, time);
  const ended = new Promise<void>((end) => (source.onerror = () => (told.push('over'), end())));
  source.onopen = () => told.push('open');
  source.onmessage = ({ data, lastEventId }) => told.push(`${lastEventId} ${data}`);
  const write = async (text: string | Uint8Array) => {
    await time.settle();
    out.enqueue(typeof text === 'string' ? new TextEncoder().encode(text) : text);
    await time.settle();
  };
  return { time, told, write, ended, source, end: () => out.close() };
}

describe('the event source', () => {
  it('tells each event with its number, however the bytes are cut', async () => {
    const { told, write, ended, end } = setUp();
    const bytes = new TextEncoder().encode('id: 8\n: following\n\nid: 9\nevent: job.status\ndata: {"é":1}\n\nid: 10\ndata: x\n\n');
    for (const byte of bytes) await write(Uint8Array.of(byte));
    end();
    await ended;
    expect(told).toEqual(['open', '9 {"é":1}', '10 x', 'over']);
  });

  it('a refusal is no stream', async () => {
    const { told, ended } = setUp(503);
    await ended;
    expect(told).toEqual(['over']);
  });

  it('a connection that says nothing is dead, and one that says that it is alive is not', async () => {
    const { time, told, write, ended } = setUp();
    for (let n = 0; n < 5; n += 1) {
      await write(': alive\n\n');
      await time.advance(SILENCE_MS - 1);
    }
    expect(told).toEqual(['open']);
    await time.advance(1);
    await ended;
    expect(told).toEqual(['open', 'over']);
  });
});
