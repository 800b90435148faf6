import type { Page } from '@playwright/test';

import { test, type Daemon } from './daemon';
import { expect, isLive, rows } from './fixtures';

test.setTimeout(120_000);
// A daemon and its agents share the machine with the browser.
test.use({ actionTimeout: 20_000 });
const soon = { timeout: 40_000 };

async function enter(page: Page, site: string, daemon: Daemon, path = '/work'): Promise<void> {
  const link = await daemon.verb('open', '--print');
  await page.goto(`${site}/login#${link.split('#')[1]}`);
  await isLive(page);
  if (path !== '/work') await page.goto(site + path);
}

const row = (page: Page, title: string) => rows(page).filter({ hasText: title });

test('a link of `windlass open` signs in once, the token always', async ({ page, site, daemon, context }) => {
  const link = await daemon.verb('open', '--print');
  const code = link.split('#')[1]!;
  await page.goto(`${site}/login#${code}`);
  await expect(page.getByText('No work yet')).toBeVisible(soon);
  expect(page.url()).not.toContain(code);
  const cookies = await context.cookies();
  expect(cookies).toHaveLength(1);
  expect(cookies[0]).toMatchObject({ httpOnly: true, sameSite: 'Strict' });
  // Whatever else this machine serves is sent the cookie too: alone it opens nothing.
  expect((await page.request.get(`${site}/api/v1/work`)).status()).toBe(401);
  await page.reload();
  await expect(page.getByText('No work yet')).toBeVisible(soon);

  await context.clearCookies();
  await page.goto(`${site}/login#${code}`);
  await expect(page.getByRole('heading', { name: 'Sign in to Windlass' })).toBeVisible(soon);
  await expect(page.getByRole('alert')).toBeVisible();
  const field = page.getByRole('textbox', { name: 'Token' });
  await field.fill('not-the-token-of-this-daemon-at-all');
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByRole('alert')).toBeVisible();
  await field.fill(await daemon.token());
  await page.getByRole('button', { name: 'Sign in' }).click();
  await expect(page.getByText('No work yet')).toBeVisible(soon);
});

test('work appears, runs, waits and ends before one\'s eyes', async ({ page, site, daemon }) => {
  await enter(page, site, daemon);
  await daemon.want('Greet the world', '{ write = { path = "hello.txt", content = "hello\\n" } }, { end = "Done." }');
  await expect(row(page, 'Greet the world')).toContainText('complete', soon);

  await daemon.want('Never finish', '{ say = "thinking" }, { stall = true }');
  await expect(row(page, 'Never finish')).toContainText('running', soon);

  await daemon.want('Wait for the quota', '{ quota = { retry_after_secs = 3600 } }');
  const waiting = row(page, 'Wait for the quota');
  await expect(waiting).toContainText('waiting', soon);
  await expect(waiting).toContainText(/until (\d+ \w+, )?\d\d:\d\d/);
});

test('what runs is called off by a person, on the page', async ({ page, site, daemon }) => {
  await enter(page, site, daemon);
  await daemon.want('Never finish', '{ say = "thinking" }, { stall = true }');
  const going = row(page, 'Never finish');
  await expect(going).toContainText('running', soon);
  await expect(page.getByText('1 running')).toBeVisible();
  await going.click();
  await page.getByRole('button', { name: 'Cancel…' }).click();
  await page.getByRole('button', { name: 'Call it off' }).click();
  await expect(going).toContainText('cancelled', soon);
  await expect(page.getByText('0 running')).toBeVisible(soon);
});

test('what failed stands in the inbox, and is run again from there', async ({ page, site, daemon }) => {
  await enter(page, site, daemon, '/inbox');
  await expect(page.getByText('Nothing needs you', { exact: true })).toBeVisible(soon);
  await daemon.want('Give up', '{ fail = "I cannot do this." }');
  await expect(row(page, 'Give up')).toContainText('I cannot do this.', soon);
  await expect(page.getByText('1 needs you')).toBeVisible();
  await row(page, 'Give up').click();
  await page.getByRole('button', { name: 'Retry the job' }).click();
  await expect(page.getByText('The job runs again')).toBeVisible();
  // Its agent fails once more, as its script says.
  await expect(row(page, 'Give up')).toBeVisible(soon);
});

test('a daemon that is killed and started again is found by itself, with everything that happened', async ({ page, site, daemon }) => {
  await enter(page, site, daemon);
  await daemon.want('Before', '{ write = { path = "a.txt", content = "a" } }, { end = "Done." }');
  await expect(row(page, 'Before')).toContainText('complete', soon);
  await daemon.kill();
  await expect(page.getByText(/not live since/)).toBeVisible(soon);
  await expect(row(page, 'Before')).toContainText('complete');
  await daemon.startAgain();
  await expect(page.getByText(/live again after/)).toBeVisible(soon);
  await daemon.want('After', '{ write = { path = "b.txt", content = "b" } }, { end = "Done." }');
  await expect(row(page, 'After')).toContainText('complete', soon);
});

test('pausing holds all work, is said over every page, and ends with a click', async ({ page, site, daemon }) => {
  await enter(page, site, daemon);
  await daemon.verb('pause');
  await expect(page.getByText('Paused: what runs goes on, nothing new starts.')).toBeVisible(soon);
  await daemon.want('Held', '{ write = { path = "c.txt", content = "c" } }, { end = "Done." }');
  await expect(row(page, 'Held')).toContainText(/waiting/, soon);
  await expect(row(page, 'Held')).toContainText(/paused/i);
  await page.getByRole('button', { name: 'Resume' }).click();
  await expect(row(page, 'Held')).toContainText('complete', soon);
});

test('filters and search are the daemon\'s own', async ({ page, site, daemon }) => {
  for (const goal of ['Paint the fence', 'Mow the lawn', 'Paint the door'])
    await daemon.want(goal, '{ write = { path = "f.txt", content = "f" } }, { end = "Done." }');
  await enter(page, site, daemon, '/work?q=paint&status=complete,running,waiting&since=24h');
  await expect(rows(page)).toHaveCount(2, soon);
  await page.getByRole('textbox', { name: 'Filter' }).fill('lawn');
  await expect(rows(page)).toHaveCount(1, soon);
  await page.getByRole('textbox', { name: 'Filter' }).fill('project:nothing-like-it');
  await expect(page.getByText('No work in this project yet')).toBeVisible(soon);
});

test('an event reaches the open page quickly', async ({ page, site, daemon }) => {
  await enter(page, site, daemon);
  await daemon.verb('pause');
  await expect(page.getByText('Paused: what runs')).toBeVisible(soon);
  // Notes when each title is first seen.
  await page.evaluate(() => {
    const seen: Record<string, number> = {};
    Object.assign(window, { seen });
    new MutationObserver(() => {
      for (const found of document.body.innerText.matchAll(/Wish \d+ /g)) seen[found[0].trim()] ??= Date.now();
    }).observe(document.body, { subtree: true, childList: true, characterData: true });
  });
  const token = await daemon.token();
  const delays: number[] = [];
  for (let n = 0; n < 20; n++) {
    const answer = await fetch(`${daemon.api}/api/v1/assignments`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ north_star: `Wish ${n} of many`, project: 'scratch' }),
    });
    expect(answer.status, await answer.clone().text()).toBe(201);
    const told = Date.now();
    const seen = await page.waitForFunction((name) => (window as unknown as { seen: Record<string, number> }).seen[name], `Wish ${n}`);
    delays.push((await seen.jsonValue())! - told);
  }
  delays.sort((a, b) => a - b);
  console.log(`from the answer to the row: p50 ${delays[10]} ms, p95 ${delays[18]} ms`);
  expect(delays[18]).toBeLessThan(1_500);
});
