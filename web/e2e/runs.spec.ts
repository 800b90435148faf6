/** Assignments, attempts and dead letters of a real daemon, with real work. */
import { fileURLToPath } from 'node:url';

import type { Page } from '@playwright/test';

import { test, type Daemon } from './daemon';
import { expect, isAccessible, isLive, rows } from './fixtures';

test.setTimeout(180_000);
test.use({ actionTimeout: 30_000 });
const soon = { timeout: 60_000 };
const LONG = fileURLToPath(new URL('./agents/long.sh', import.meta.url));

async function enter(page: Page, site: string, daemon: Daemon, path: string): Promise<void> {
  const link = await daemon.verb('open', '--print');
  await page.goto(`${site}/login#${link.split('#')[1]}`);
  await isLive(page);
  await page.goto(site + path);
}

/** Two rounds: the check is red first, then green. */
const GREETS = `{ say = "I look around first." }, { run = "cat README.md" }, { write = { path = "hello.txt", content = "hello, wrld\\n" } }, { usage = { input_tokens = 1200, output_tokens = 80, cost_usd = 0.01 } }, { end = "The greeting is there." }]
iteration = 1
[[turn]]
steps = [{ say = "A typo." }, { write = { path = "hello.txt", content = "hello, world\\n" } }, { end = "Mended." }`;
const CHECK = ['--verify', "grep -q 'hello, world' hello.txt || { echo 'expected hello, world'; exit 1; }"];
const letters = (page: Page) => page.getByRole('list', { name: 'Dead letters' }).getByRole('link');
const transcript = (page: Page) => page.getByRole('log', { name: 'What the agent printed' });

test('an assignment shows its jobs, what it used, what happened and what it changes; its job shows stages and gates with their output', async ({ page, site, daemon }) => {
  const id = await daemon.want('Greet the world', GREETS, ...CHECK);
  await enter(page, site, daemon, `/assignments/${id}`);
  await expect(page.getByRole('heading', { name: 'Greet the world' })).toBeVisible();
  await expect(page.getByText('complete').first()).toBeVisible(soon);
  const job = page.getByRole('region', { name: 'Line of jobs' }).getByRole('link');
  await expect(job).toHaveText(/1implement simulated.*succeeded.*Mended\..*\$0\.01/);
  await expect(page.getByRole('complementary')).toContainText('1 of 50');

  await page.getByRole('link', { name: 'Timeline' }).click();
  await expect(rows(page).filter({ hasText: 'The check is red' })).toContainText('failed with exit code 1');
  await expect(rows(page).filter({ hasText: 'The check is green (round 2)' })).toBeVisible();
  await expect(rows(page).first()).toContainText(/Complete|branch|merged/);
  await page.keyboard.press('j');
  await expect(rows(page).first()).toBeFocused();

  await page.getByRole('link', { name: 'Changes' }).click();
  await expect(page.getByRole('button', { name: /hello\.txt/ }).first()).toContainText('+1');
  await expect(page.getByText('hello, world')).toBeVisible();
  await page.getByText('Split').click();
  await expect(page.getByText('hello, world')).toBeVisible();
  await page.getByRole('button', { name: 'Fold all' }).click();
  await expect(page.getByText('hello, world')).toBeHidden();

  await page.getByRole('link', { name: 'Overview' }).click();
  await page.keyboard.press('j');
  await page.keyboard.press('o');
  await expect(page).toHaveURL(/\/attempts\/att_/);
  await expect(page.getByRole('heading', { name: 'implement, attempt 1' })).toBeVisible();
  const stages = page.getByRole('list', { name: 'Stages' });
  await expect(stages.getByText('Round 2')).toBeVisible();
  await expect(stages.getByRole('button', { name: /Check.*failed/ })).toHaveAttribute('aria-expanded', 'true');
  await expect(stages.getByText('expected hello, world', { exact: true })).toBeVisible();
  await expect(transcript(page).getByText('I look around first.')).toBeVisible();
  await transcript(page).getByRole('button', { name: /cat README\.md/ }).click();
  await expect(transcript(page).getByText('A shop.')).toBeVisible();
});

test('what an agent prints is there as it prints it, and calling it off ends it before one\'s eyes', async ({ page, site, daemon }) => {
  const id = await daemon.want('Tick', '{ say = "I begin." }, { sleep_ms = 3000 }, { say = "I am in the middle." }, { stall = true }');
  await enter(page, site, daemon, `/assignments/${id}`);
  await page.getByRole('region', { name: 'Line of jobs' }).getByRole('link').click();
  await expect(transcript(page).getByText('I begin.')).toBeVisible(soon);
  await expect(transcript(page).getByText('I am in the middle.')).toBeVisible(soon);
  await page.getByRole('button', { name: 'Cancel job…' }).click();
  await page.getByRole('button', { name: 'Call it off' }).click();
  await expect(page.getByText('stopped', { exact: true }).first()).toBeVisible(soon);
  await expect(page.getByRole('button', { name: 'Cancel job…' })).toBeHidden();
  await expect(page.getByRole('button', { name: 'Following' })).toBeHidden();
});

test('fifty thousand lines of a real agent: there at once, found in, and walked to the end', async ({ page, site, daemon }) => {
  const printed = await daemon.verb('run', 'A long build', '--repo', daemon.repo, '--harness', 'command', '--program', `${LONG} 50000`, '--no-review', '--detach');
  const id = /asg_[0-9a-z]+/.exec(printed)![0];
  await enter(page, site, daemon, `/assignments/${id}`);
  await expect(page.getByText('complete').first()).toBeVisible(soon);
  const began = Date.now();
  await page.getByRole('region', { name: 'Line of jobs' }).getByRole('link').click();
  await expect(transcript(page).getByText(/compiled module/).first()).toBeVisible(soon);
  console.log(`50,000 lines of a real agent: the first seen after ${Date.now() - began} ms`);
  await expect(page.getByText('50,000 records', { exact: true })).toBeVisible(soon);
  await page.keyboard.press('/');
  await page.keyboard.type('step 31000 failed');
  await expect(transcript(page).getByText('error: step 31000 failed')).toBeInViewport(soon);
  expect(await transcript(page).locator('[data-index]').count()).toBeLessThan(200);
});

test('dead letters are narrowed, shown whole, replayed in bulk after a look, and edited', async ({ page, site, daemon }) => {
  // Five failures in a row would open the breaker: two letters, each dead twice.
  for (const goal of ['Meet an overloaded model', 'Meet it again'])
    await daemon.want(goal, '{ say = "I try." }, { api_error = "503 overloaded" }', '--max-retries', '0');
  await enter(page, site, daemon, '/dead-letters');
  await expect(letters(page)).toHaveCount(2, soon);
  await page.getByRole('combobox', { name: 'Died of' }).click();
  await page.getByRole('option', { name: 'Stalled', exact: true }).click();
  await expect(page.getByText('No dead letter passes this filter')).toBeVisible();
  await page.getByRole('button', { name: 'Clear' }).click();
  await expect(letters(page)).toHaveCount(2);

  await page.getByRole('button', { name: 'Replay all 2…' }).click();
  await expect(page.getByRole('dialog', { name: 'Replay' })).toContainText('2 jobs run again');
  await page.getByRole('button', { name: 'Not now' }).click();

  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await page.keyboard.press('j');
  await page.keyboard.press('x');
  await page.getByRole('button', { name: 'Replay 2…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Replay' });
  await expect(dialog).toContainText('2 jobs run again');
  await isAccessible(page);
  await dialog.getByRole('button', { name: 'Replay 2' }).click();
  await expect(dialog).toBeHidden();

  // They die again: the same model answers them.
  await expect(letters(page)).toHaveCount(2, soon);
  await letters(page).first().click();
  const pane = page.getByRole('complementary', { name: 'The current row' });
  await expect(pane).toContainText('503 overloaded');
  await pane.getByRole('button', { name: 'Edit and replay…' }).click();
  const edit = page.getByRole('dialog', { name: 'Edit and replay' });
  await edit.getByRole('textbox', { name: /What is wanted/ }).fill('Meet a model that answers');
  await edit.getByRole('button', { name: 'Replay it' }).click();
  await expect(edit).toBeHidden();
  await expect(letters(page)).toHaveCount(2, soon);
  await expect(pane).toContainText('Meet a model that answers', soon);
});

test('a message goes on in the agent\'s session, and a budget is changed', async ({ page, site, daemon }) => {
  const id = await daemon.want('Greet the world', '{ write = { path = "hello.txt", content = "hello\\n" } }, { end = "Done." }');
  await enter(page, site, daemon, `/assignments/${id}`);
  await expect(page.getByText('complete').first()).toBeVisible(soon);
  await page.keyboard.press('m');
  await page.keyboard.type('And in French, too');
  await page.keyboard.press('Control+Enter');
  await expect(page.getByText('Sent: a job takes it up')).toBeVisible();
  await expect(page.getByRole('region', { name: 'Line of jobs' }).getByRole('link').nth(1)).toContainText('chat', soon);

  await page.getByRole('button', { name: 'More' }).click();
  await page.getByRole('menuitem', { name: 'Change its budget…' }).click();
  await expect(page.getByRole('dialog', { name: 'Budget' })).toBeVisible();
  await isAccessible(page);
  await page.getByRole('textbox', { name: 'At most dollars' }).fill('12.5');
  await page.getByRole('button', { name: 'Change it' }).click();
  await expect(page.getByRole('complementary')).toContainText('of $12.50', soon);
});

test('what is not there says so', async ({ page, site, daemon }) => {
  await enter(page, site, daemon, '/dead-letters');
  await expect(page.getByText('No dead letters')).toBeVisible();
  await page.goto(`${site}/assignments/asg_01a20348b90270009402919bcec165fe`);
  await expect(page.getByRole('alert')).toContainText('asg_01a20348b90270009402919bcec165fe', soon);
  await page.goto(`${site}/attempts/att_01a20348b90270009402919bcec165fe?job=job_01a20348b90270009402919bcec165fe`);
  await expect(page.getByRole('alert').first()).toBeVisible(soon);
});

// With work as it really is; how each page looks in light is seen in `looks.spec.ts`.
for (const look of [
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const) {
  test.describe(look.name, () => {
    test.use({ colorScheme: look.colorScheme, viewport: look.viewport });
    test('assignment, timeline, changes, attempt and dead letters are accessible and fit', async ({ page, site, daemon }, info) => {
      const id = await daemon.want('Greet the world\n\nSo that everybody who comes by reads it.\nIn every language that we have.', GREETS, ...CHECK);
      await daemon.want('Meet an overloaded model', '{ api_error = "503 overloaded" }', '--max-retries', '0');
      await enter(page, site, daemon, `/assignments/${id}`);
      await expect(page.getByText('complete').first()).toBeVisible(soon);
      const look = async (name: string) => {
        await info.attach(name, { body: await page.screenshot(), contentType: 'image/png' });
        await isAccessible(page);
        expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth)).toBeLessThanOrEqual(0);
      };
      await look('assignment');
      await page.getByRole('link', { name: 'Timeline' }).click();
      await expect(rows(page).first()).toBeVisible();
      await look('timeline');
      await page.getByRole('link', { name: 'Changes' }).click();
      await expect(page.getByText('hello, world')).toBeVisible();
      await look('changes');
      await page.getByRole('link', { name: 'Overview' }).click();
      await page.getByRole('region', { name: 'Line of jobs' }).getByRole('link').click();
      await expect(transcript(page).getByText('Mended.')).toBeVisible();
      await look('attempt');
      await page.goto(`${site}/dead-letters`);
      await expect(rows(page)).toHaveCount(1, soon);
      await look('dead-letters');
    });
  });
}
