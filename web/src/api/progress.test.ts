import { QueryClient } from '@tanstack/react-query';
import { beforeAll, expect, it, vi } from 'vitest';

import { showProgress } from './progress';
import type { WindlassEvent } from './types';

// The questions know the address of the page.
beforeAll(() => vi.stubGlobal('window', { location: { origin: 'http://127.0.0.1' } }));

const row = (id: string) => ({ id: `asg_${id}`, job: { id, progress: 0, message: null, phase: 'planning' } });
const event = { kind: 'job.progress', job_id: 'job_2', data: { progress: 40, message: 'Writes the tests', phase: 'testing' } } as unknown as WindlassEvent;

it('what an agent says stands in its row, wherever it is in the list', () => {
  const queries = new QueryClient();
  const pages = [{ items: [row('job_1')] }, { items: [row('job_2'), row('job_3')] }];
  queries.setQueryData(['work', {}, 'attention'], { pages, pageParams: [] });
  showProgress(queries, event);
  expect(queries.getQueryData(['work', {}, 'attention'])).toMatchObject({
    pages: [{ items: [row('job_1')] }, { items: [{ job: { progress: 40, message: 'Writes the tests', phase: 'testing' } }, row('job_3')] }],
  });
});

it('the work that waits, as the page of workers keeps it, is no list of pages and is left alone', async () => {
  const { held } = await import('./engine');
  const queries = new QueryClient();
  const { queryKey } = held('shop');
  queries.setQueryData(queryKey, { items: [row('job_2')] } as never);
  expect(() => showProgress(queries, event)).not.toThrow();
  expect(queries.getQueryData(queryKey)).toEqual({ items: [row('job_2')] });
});
