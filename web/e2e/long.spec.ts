import type { Browser, Page } from '@playwright/test';

import { expect, isLive, rows, test } from './fixtures';

test.use({ rows: 10_000 });

/** A task longer than this is felt, milliseconds. */
const LONG_MS = 50;

test('ten thousand rows scroll to the end without a long task', async ({ page, mock, browser }) => {
  test.setTimeout(240_000);
  await page.goto(`${mock.url}/work`);
  await isLive(page);
  await expect(rows(page).first()).toBeVisible();
  const tasks = await tasksWhile(browser, page, () => scrollToEnd(page));
  const last = page.locator('[aria-setsize]').last();
  expect(Number(await last.getAttribute('aria-posinset'))).toBeGreaterThan(10_000);
  expect(await rows(page).count()).toBeLessThan(80);
  const long = tasks.filter((ms) => ms > LONG_MS).map(Math.round);
  console.log(`10,000 rows: ${tasks.length} tasks, the longest ${Math.max(...tasks).toFixed(0)} ms; over ${LONG_MS} ms: ${long.join(', ') || 'none'}`);
  expect(long).toEqual([]);
});

test('far down, an event has only what is in sight asked for again; back at the top everything is new', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await isLive(page);
  await expect(rows(page).first()).toBeVisible();
  await page.evaluate(async () => {
    const list = document.querySelector('[role="list"]')!.parentElement!;
    while (list.scrollTop < 60_000) {
      list.scrollTop += 2_000;
      await new Promise(requestAnimationFrame);
    }
  });
  const asked = () => mock.requests.filter((request) => request.startsWith('GET /api/v1/work?'));
  const id = (await rows(page).nth(14).getAttribute('href'))!.split('/').at(-1)!;
  const item = mock.world.work.find((row) => row.id === id)!;
  const before = asked().length;
  item.title = 'Named anew';
  mock.emit('assignment.status', { assignment_id: item.id }, { status: item.status });
  await expect(rows(page).filter({ hasText: 'Named anew' })).toBeVisible();
  expect(asked().slice(before).filter((request) => !request.includes('ids='))).toEqual([]);

  mock.world.work[0]!.title = 'New at the top';
  mock.emit('assignment.status', { assignment_id: mock.world.work[0]!.id });
  await page.evaluate(() => (document.querySelector('[role="list"]')!.parentElement!.scrollTop = 0));
  await expect(rows(page).filter({ hasText: 'New at the top' })).toBeVisible();
  expect(asked().slice(before).filter((request) => !request.includes('ids=')).length).toBeLessThanOrEqual(4);
});

/** Scrolls as a wheel does, one step a frame, until nothing more comes. */
async function scrollToEnd(page: Page): Promise<void> {
  await page.evaluate(async () => {
    const list = document.querySelector('[role="list"]')!.parentElement!;
    const isWhole = () => list.querySelector('[role="listitem"]')?.getAttribute('aria-setsize') !== '-1';
    while (!isWhole() || list.scrollTop < list.scrollHeight - list.clientHeight - 1) {
      list.scrollTop += 1_200;
      await new Promise(requestAnimationFrame);
    }
  });
}

/** The time that each task of the page's main thread had the processor, milliseconds: what else runs on the machine does not count. */
async function tasksWhile(browser: Browser, page: Page, act: () => Promise<void>): Promise<number[]> {
  await browser.startTracing(page, { categories: ['toplevel', 'disabled-by-default-devtools.timeline', '__metadata'] });
  await act();
  const trace = JSON.parse((await browser.stopTracing()).toString()) as {
    traceEvents: { name: string; ph: string; pid: number; tid: number; tdur?: number; args?: { name?: string } }[];
  };
  const main = new Set(
    trace.traceEvents.filter((e) => e.name === 'thread_name' && e.args?.name === 'CrRendererMain').map((e) => `${e.pid} ${e.tid}`),
  );
  const tasks = trace.traceEvents.filter((e) => e.ph === 'X' && /RunTask$/.test(e.name) && e.tdur !== undefined && main.has(`${e.pid} ${e.tid}`));
  expect(tasks.length).toBeGreaterThan(100);
  return tasks.map((e) => e.tdur! / 1_000);
}
