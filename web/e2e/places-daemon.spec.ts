import type { Page } from '@playwright/test';

import { test, type Daemon } from './daemon';
import { expect, isLive, rows } from './fixtures';

test.setTimeout(240_000);
test.use({ actionTimeout: 30_000 });
const soon = { timeout: 60_000 };

const SCRIPT = '[[turn]]\nsteps = [{ say = "I greet." }, { write = { path = "hello.txt", content = "hello\\n" } }, { end = "Done." }]\n';

async function enter(page: Page, site: string, daemon: Daemon): Promise<void> {
  const link = await daemon.verb('open', '--print');
  await page.goto(`${site}/login#${link.split('#')[1]}`);
  await isLive(page);
}

test('work is started from the page, and is found in every place that tells of it', async ({ page, site, daemon }) => {
  await enter(page, site, daemon);
  await page.keyboard.press('c');
  const dialog = page.getByRole('dialog', { name: 'New work' });
  await dialog.getByLabel('What do you want?').fill('Greet the world');
  await dialog.getByRole('combobox', { name: 'Project' }).click();
  await page.getByRole('option', { name: 'Another repository…' }).click();
  await dialog.getByLabel('Repository').fill(daemon.repo);
  await dialog.getByRole('combobox', { name: 'Agent' }).click();
  await page.getByRole('option', { name: 'simulated' }).click();
  await dialog.getByLabel('Script (TOML)').fill(SCRIPT);
  await dialog.getByLabel('A pm job judges the work').uncheck();
  await dialog.getByRole('button', { name: 'Start it' }).click();
  await expect(page).toHaveURL(/\/assignments\/asg_/, soon);
  const id = /asg_[0-9a-z]+/.exec(page.url())![0];

  await page.goto(`${site}/work`);
  await expect(rows(page).filter({ hasText: 'Greet the world' })).toContainText('complete', soon);

  await page.goto(`${site}/events?assignment=${id}`);
  await expect(rows(page).filter({ hasText: 'assignment.created' })).toBeVisible(soon);
  await expect(rows(page).filter({ hasText: 'job.status' }).first()).toBeVisible();
  await page.goto(`${site}/events?kinds=assignment.created`);
  await expect(rows(page)).toHaveCount(1, soon);

  await page.goto(`${site}/branches`);
  await rows(page).first().click();
  await page.getByRole('button', { name: 'It was merged…' }).click();
  await page.getByRole('button', { name: 'It is merged' }).click();
  await expect(page.getByRole('complementary')).toContainText('merged', soon);

  await page.goto(`${site}/charts`);
  await expect(page.getByText('1 job ended: 1 succeeded.', { exact: true })).toBeVisible(soon);

  await page.goto(`${site}/audit`);
  await expect(rows(page).filter({ hasText: 'assignments/run' })).toContainText('done', soon);

  await page.goto(`${site}/projects`);
  await rows(page).filter({ hasText: daemon.repo }).click();
  await page.getByRole('button', { name: 'Open' }).click();
  await expect(page.getByText('the repository brings no settings of its own').or(page.getByRole('alert'))).toBeVisible(soon);
});

test('an assignment without a job gets one, with limits of its own; when it fails it runs again as somebody says', async ({ page, site, daemon }) => {
  await enter(page, site, daemon);
  await page.keyboard.press('c');
  const work = page.getByRole('dialog', { name: 'New work' });
  await work.getByLabel('What do you want?').fill('Greet the world, later');
  await work.getByRole('combobox', { name: 'Project' }).click();
  await page.getByRole('option', { name: 'Another repository…' }).click();
  await work.getByLabel('Repository').fill(daemon.repo);
  await work.getByLabel('A pm job judges the work').uncheck();
  await work.getByRole('button', { name: 'Limits and more' }).click();
  await work.getByRole('combobox', { name: 'It begins with' }).click();
  await page.getByRole('option', { name: 'no job yet' }).click();
  await work.getByRole('button', { name: 'Make it' }).click();
  await expect(page.getByText('It has no job yet.')).toBeVisible(soon);

  await page.getByRole('button', { name: 'Insert job…' }).click();
  const insert = page.getByRole('dialog', { name: 'Insert a job' });
  await insert.getByLabel('What the agent is told').fill('Greet');
  await insert.getByRole('combobox', { name: 'Agent' }).click();
  await page.getByRole('option', { name: 'simulated' }).click();
  await insert.getByLabel('Script (TOML)').fill('[[turn]]\nsteps = [{ fail = "I cannot greet." }]\n');
  await insert.getByRole('button', { name: 'Its limits' }).click();
  await insert.getByLabel('At most runs').fill('3');
  await insert.getByRole('button', { name: /^Insert/ }).click();
  await expect(insert).toHaveCount(0, soon);
  await expect(page.getByText('I cannot greet.').first()).toBeVisible(soon);
  const id = /asg_[0-9a-z]+/.exec(page.url())![0];
  const { jobs } = JSON.parse(await daemon.verb('assignment', id, '--json')) as { jobs: { spec: { budget: { runs: number } } }[] };
  expect(jobs[0]!.spec.budget.runs).toBe(3);

  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Say who has to act…' }).click();
  const block = page.getByRole('dialog', { name: 'Say who has to act' });
  await block.getByLabel('What has to be done').fill('Teach it to greet');
  await block.getByRole('button', { name: 'Say it' }).click();
  await expect(page.getByText('Teach it to greet')).toBeVisible(soon);

  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Edit and retry the job…' }).click();
  const retry = page.getByRole('dialog', { name: 'Edit and retry' });
  await retry.getByLabel('What the agent is told').fill('Greet everybody');
  await retry.getByLabel('Script (TOML)').fill(SCRIPT);
  await retry.getByRole('button', { name: /^Run it again/ }).click();
  await expect(page.getByRole('region', { name: 'Line of jobs' }).getByRole('link')).toContainText('succeeded', soon);
  expect(await daemon.verb('diff', id)).toContain('hello.txt');
});

test('the engine tells of itself: workers, machine, settings, housekeeping', async ({ page, site, daemon }) => {
  await enter(page, site, daemon);
  await page.goto(`${site}/workers`);
  await expect(page.getByRole('table', { name: 'Workers' }).getByRole('row', { name: /^default/ })).toContainText('in use', soon);
  await expect(page.getByRole('table', { name: 'Nodes' }).getByRole('row', { name: /this one/ })).toContainText('active', soon);
  await expect(page.getByRole('table', { name: 'Machine' }).getByRole('row', { name: /git/ })).toBeVisible(soon);
  await page.getByRole('button', { name: 'Pause everything' }).click();
  await expect(page.getByText('Paused: what runs goes on, nothing new starts.')).toBeVisible(soon);
  await page.getByRole('button', { name: 'Resume everything' }).click();
  await expect(page.getByRole('button', { name: 'Pause everything' })).toBeVisible(soon);

  await page.goto(`${site}/settings`);
  await expect(page.getByRole('row', { name: /listen/ }).first()).toContainText('flag', soon);
  await page.goto(`${site}/housekeeping`);
  await page.getByRole('button', { name: 'Try it: remove nothing' }).click();
  await expect(page.getByRole('region', { name: 'What would be removed now' })).toContainText('nothing', soon);
  await page.getByLabel('New folder, on the daemon’s machine').fill(`${daemon.home}/backup`);
  await page.getByRole('button', { name: 'Back up' }).click();
  await expect(page.getByText('0 assignments, 0 jobs')).toBeVisible(soon);
});

test('all jobs are listed and narrowed; a backup brought back takes the place of what came after it', async ({ page, site, daemon }) => {
  const id = await daemon.want('Greet the world', '{ write = { path = "hello.txt", content = "hello\\n" } }, { end = "Done." }');
  await enter(page, site, daemon);
  await page.goto(`${site}/jobs`);
  const row = rows(page).filter({ hasText: 'Greet the world' });
  await expect(row).toContainText('succeeded', soon);
  await expect(row).toContainText('implement');
  const filter = page.getByRole('textbox', { name: 'Filter' });
  await filter.fill(`status:succeeded type:implement worker:default assignment:${id}`);
  await expect(page).toHaveURL(new RegExp(`assignment=${id}`));
  await expect(row).toHaveCount(1, soon);
  await filter.fill('status:queued,running');
  await expect(page.getByText('No job passes this filter')).toBeVisible(soon);
  await filter.fill('assignment:nonsense');
  await expect(page.getByRole('alert')).toBeVisible(soon);
  await filter.fill('');
  await row.click();
  await row.click();
  await expect(page).toHaveURL(/\/attempts\/att_/, soon);

  // On a port that is its own, it comes back there after the restore.
  await page.goto('about:blank');
  await daemon.kill();
  await daemon.startAgain();
  const backup = `${daemon.home}/backup`;
  await daemon.verb('backup', backup);
  await daemon.want('Greet nobody', '{ end = "Done." }');
  await page.goto(`${site}/housekeeping`);
  const bring = async (path: string) => {
    await page.getByRole('button', { name: 'Bring a backup back…' }).click();
    await page.getByLabel('The backup’s folder').fill(path);
    await page.getByLabel('Replace all that is here').check();
    await page.getByRole('button', { name: 'Restore it' }).click();
  };
  await bring(`${daemon.home}/none`);
  await expect(page.getByRole('dialog').getByRole('alert')).toBeVisible(soon);
  await page.getByRole('button', { name: 'Cancel', exact: true }).click();
  await bring(backup);
  // Nobody who was signed in before is.
  await expect(page.getByRole('heading', { name: 'Sign in to Windlass' })).toBeVisible(soon);
  await enter(page, site, daemon);
  await page.goto(`${site}/housekeeping`);
  await expect(page.getByRole('region', { name: 'Restore' })).toContainText('Went', soon);
  await expect(page.getByRole('region', { name: 'Restore' })).toContainText('well', soon);
  await page.goto(`${site}/jobs`);
  await expect(rows(page).filter({ hasText: 'Greet the world' })).toBeVisible(soon);
  await expect(rows(page).filter({ hasText: 'Greet nobody' })).toHaveCount(0);
});

test('an operation that is submitted on the page comes to its result', async ({ page, site, daemon }) => {
  await enter(page, site, daemon);
  await page.goto(`${site}/operations`);
  await page.getByRole('button', { name: 'New operation…' }).click();
  const dialog = page.getByRole('dialog', { name: 'New operation' });
  await dialog.getByLabel('What is wanted?').fill('Greet everybody');
  await dialog.getByLabel('Repository').fill(daemon.repo);
  await dialog.getByRole('combobox', { name: 'Agent' }).click();
  await page.getByRole('option', { name: 'simulated' }).click();
  await dialog.getByLabel('Script (TOML)').fill(SCRIPT);
  await dialog.getByLabel('Check that every change has to pass').fill('true');
  await dialog.getByLabel('Propose it as a pull request').uncheck();
  await dialog.getByRole('button', { name: 'Submit' }).click();
  await expect(page).toHaveURL(/\/operations\/asg_/, soon);
  await expect(page.getByRole('region', { name: 'How it stands' })).toContainText('succeeded', soon);
  await expect(page.getByRole('region', { name: 'Result' })).toContainText('hello.txt', soon);
  await expect(page.getByText('Nobody asked to be told.')).toBeVisible();
});

test('another browser is signed out from here, at once', async ({ page, site, daemon, browser }) => {
  const other = await (await browser.newContext()).newPage();
  await enter(page, site, daemon);
  await enter(other, site, daemon);
  await page.goto(`${site}/tokens`);
  const rowsOfAll = page.getByRole('table', { name: 'Signed in' }).getByRole('row', { name: /the owner/ });
  await expect(rowsOfAll).toHaveCount(2, soon);
  await rowsOfAll.filter({ hasNotText: 'this browser' }).getByRole('button', { name: 'Sign out…' }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(rowsOfAll).toHaveCount(1, soon);
  await expect(other.getByRole('button', { name: 'Sign in' })).toBeVisible(soon);
  await expect(rowsOfAll).toContainText('this browser');
  await other.context().close();
});

test('tokens and people come and go, and the audit log says so', async ({ page, site, daemon }) => {
  await enter(page, site, daemon);
  await page.goto(`${site}/tokens`);
  await page.getByRole('button', { name: 'New token…' }).click();
  await page.getByLabel('Name').fill('nightly');
  await page.getByRole('button', { name: 'Make it' }).click();
  const secret = (await page.getByLabel('The token', { exact: true }).textContent())!;
  const asked = (path: string) => fetch(daemon.api + path, { headers: { authorization: `Bearer ${secret}` } });
  expect((await asked('/api/v1/projects')).status).toBe(200);
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByRole('row', { name: /nightly/ }).getByRole('button', { name: 'Revoke…' }).click();
  await page.getByRole('button', { name: 'Revoke it' }).click();
  await expect(page.getByText('nightly is revoked')).toBeVisible(soon);
  expect((await asked('/api/v1/projects')).status).toBe(401);

  await page.getByRole('button', { name: 'Add person…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add person' });
  await dialog.getByLabel('Name').fill('grace');
  await dialog.getByRole('textbox', { name: 'Password' }).fill('a long password');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  const row = page.getByRole('table', { name: 'People' }).getByRole('row', { name: /grace/ });
  await expect(row).toContainText('operator', soon);
  await row.getByRole('button', { name: 'Remove…' }).click();
  await page.getByRole('button', { name: 'Remove', exact: true }).click();
  await expect(row).toHaveCount(0, soon);

  await page.goto(`${site}/audit`);
  await expect(rows(page).filter({ hasText: 'users/grace' }).first()).toContainText('done', soon);
  await page.goto(`${site}/audit?who=nobody-of-that-name`);
  await expect(page.getByText('Nothing passes this filter')).toBeVisible(soon);
});
