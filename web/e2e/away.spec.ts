import { expect, isLive, rows, test } from './fixtures';

test('while the daemon is away the page keeps what it has and says since when; afterwards it goes on by itself', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await isLive(page);
  await expect(rows(page).first()).toBeVisible();
  mock.away = true;
  mock.dropStreams();
  await expect(page.getByText(/not live since \d\d:\d\d/)).toBeVisible();
  await expect(rows(page).first()).toContainText('blocked');

  const item = mock.world.work[3]!;
  Object.assign(item, { status: 'complete', summary: 'Complete meanwhile.', ended_at: new Date().toISOString() });
  mock.emit('assignment.status', { assignment_id: item.id });
  mock.away = false;
  await expect(page.getByText(/live again after/)).toBeVisible({ timeout: 15_000 });
  await expect(rows(page).filter({ hasText: 'Complete meanwhile.' })).toBeVisible();
  const streams = mock.requests.filter((request) => request.startsWith('GET /api/v1/events'));
  expect(streams.at(-1)).toContain('after=1000');
});

test('while the daemon is away nothing that ran then counts on; afterwards it does', async ({ page, mock }) => {
  await page.clock.install();
  await page.goto(`${mock.url}/work?row=${mock.world.work.find((item) => item.status === 'running')!.id}`);
  await isLive(page);
  const running = page.getByText('Running for').locator('+ dd');
  await expect(running).toBeVisible();
  mock.away = true;
  mock.dropStreams();
  await expect(page.getByText(/not live since/)).toBeVisible();
  const before = await running.textContent();
  await page.clock.fastForward(180_000);
  await expect(page.getByText(/3 min ago|4 min ago/).first()).toBeVisible();
  await expect(running).toHaveText(before!);
  mock.away = false;
  await page.getByRole('button', { name: 'try now' }).click();
  await expect(page.getByText(/live again after/)).toBeVisible();
  await expect(running).not.toHaveText(before!);
});

test('a click on the word tries at once', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await isLive(page);
  mock.away = true;
  mock.dropStreams();
  await expect(page.getByText(/not live since/)).toBeVisible();
  await expect(page.getByText(/, next try in \d+ s/)).toBeVisible({ timeout: 15_000 });
  mock.away = false;
  await page.getByRole('button', { name: 'try now' }).click();
  await expect(page.getByText(/live again after/)).toBeVisible({ timeout: 2_000 });
});

test('a page that was not looked at before says in its place that it cannot be loaded, and comes when the daemon is back', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await isLive(page);
  await page.route('**/assets/**', (route) => route.abort());
  mock.away = true;
  mock.dropStreams();
  await expect(page.getByText(/not live since/)).toBeVisible();
  await page.getByRole('link', { name: 'Charts' }).click();
  await expect(page.getByText('This page is not loaded')).toBeVisible({ timeout: 15_000 });
  await expect(page.getByRole('navigation', { name: 'Places' })).toBeVisible();
  await page.unroute('**/assets/**');
  mock.away = false;
  await expect(page.getByRole('heading', { name: 'Charts' })).toBeVisible({ timeout: 30_000 });
});

test('a dialog that cannot be loaded says so in its place, and comes when it is tried again', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await isLive(page);
  await page.route('**/assets/**', (route) => route.abort());
  await page.keyboard.press('Control+k');
  const unloaded = page.getByRole('alertdialog', { name: 'Not loaded' });
  await expect(unloaded).toContainText('This could not be loaded');
  mock.away = true;
  await unloaded.getByRole('button', { name: 'Try again' }).click();
  await expect(unloaded).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(unloaded).toHaveCount(0);

  mock.away = false;
  await page.unroute('**/assets/**');
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('textbox', { name: 'Find' })).toBeVisible();
  // Its styles, too, are asked for again.
  const unstyled = () => page.evaluate(() => [...document.querySelectorAll<HTMLLinkElement>('link[rel="stylesheet"]')].filter((link) => link.sheet === null).length);
  expect(await unstyled()).toBe(0);
});

test('another history is read anew', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await isLive(page);
  mock.world.seq = 5;
  mock.world.work[0]!.title = 'Of the restored backup';
  mock.dropStreams();
  await expect(rows(page).filter({ hasText: 'Of the restored backup' })).toBeVisible();
});

test('a daemon that never answered is told as that, with a way to try again', async ({ page, mock }) => {
  await page.route('**/api/v1/**', (route) => route.abort());
  await page.goto(`${mock.url}/work`);
  await expect(page.getByText('Windlass does not answer')).toBeVisible({ timeout: 15_000 });
  await page.unroute('**/api/v1/**');
  await page.getByRole('button', { name: 'Try again' }).click();
  await expect(rows(page).first()).toBeVisible();
});

test('a refusal stands where it was asked, with its hint', async ({ page, mock }) => {
  await page.route('**/api/v1/work?**', (route) =>
    route.fulfill({ status: 400, contentType: 'application/problem+json', body: JSON.stringify({ type: 'x', title: 'Not so', status: 400, detail: 'That cannot be asked.', hint: 'Ask otherwise.' }) }),
  );
  await page.goto(`${mock.url}/work`);
  await expect(page.getByRole('alert')).toContainText('Not soThat cannot be asked.Ask otherwise.');
});

test('what holds all work is said over every page', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await isLive(page);
  mock.world.paused = true;
  mock.emit('engine.paused');
  await expect(page.getByText('Paused: what runs goes on, nothing new starts.')).toBeVisible();
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(page.getByText('Paused: what runs goes on')).toBeHidden();
});

test('a slow answer shows grey rows, a quick one none', async ({ page, mock }) => {
  mock.slowMs = 1_500;
  await page.goto(`${mock.url}/work`);
  await expect(page.getByRole('status', { name: 'Loading' })).toBeVisible();
  await expect(rows(page).first()).toBeVisible();
  await expect(page.getByRole('status', { name: 'Loading' })).toBeHidden();
});
