/** What is asked for in dialogs goes to the daemon as it was said, and no more than that. */
import type { Locator, Page } from '@playwright/test';

import { expect, isLive } from './fixtures';
import { ATTEMPT, ids, lastAsked, test } from './places';

const JOB = 'job_01990000017c1a8b52';

async function choose(page: Page, dialog: Locator, field: string, option: string): Promise<void> {
  await dialog.getByRole('combobox', { name: field, exact: true }).click();
  await page.getByRole('option', { name: option, exact: true }).click();
}

test('new work has other agents by type, and begins with several jobs in order', async ({ page, places }) => {
  await page.goto(`${places.url}/work?project=shop`);
  await isLive(page);
  await page.keyboard.press('c');
  const dialog = page.getByRole('dialog', { name: 'New work' });
  await dialog.getByLabel('What do you want?').fill('Make the test pass');
  await dialog.getByRole('button', { name: 'Limits and more' }).click();
  const agents = dialog.getByLabel('Other agents, by type of job');
  await agents.fill('review = nobody');
  await dialog.getByLabel('A pm job judges jobs that fail').check();
  await choose(page, dialog, 'It begins with', 'several, one after the other');
  const second = dialog.getByRole('group', { name: 'Job 2' });
  await second.getByLabel('What the agent is told').fill('Mind the gifts');
  await second.getByRole('button', { name: 'Its limits' }).click();
  await second.getByLabel('At most runs').fill('2');
  await dialog.getByRole('button', { name: 'One more job' }).click();
  await dialog.getByRole('button', { name: 'Take job 3 out' }).click();
  await dialog.getByRole('button', { name: 'Start it' }).click();
  await expect(dialog.getByText('lines like review = codex')).toBeVisible();
  await agents.fill('review = codex');
  await dialog.getByRole('button', { name: 'Start it' }).click();
  await expect(page).toHaveURL(/\/assignments\/asg_/);
  const { key, ...asked } = lastAsked(places, 'POST /assignments')!.body!;
  expect(key).toBeTruthy();
  expect(asked).toEqual({
    north_star: 'Make the test pass',
    project: 'shop',
    source: 'page',
    policy: { review: true, on_failure: 'review', harness_defaults: { review: 'codex' } },
    jobs: [{ type: 'plan' }, { type: 'implement', context: 'Mind the gifts', budget: { runs: 2 } }],
  });
});

test('an assignment is made without a job', async ({ page, places }) => {
  await page.goto(`${places.url}/work?project=shop`);
  await isLive(page);
  await page.keyboard.press('c');
  const dialog = page.getByRole('dialog', { name: 'New work' });
  await dialog.getByLabel('What do you want?').fill('Later');
  await dialog.getByRole('button', { name: 'Limits and more' }).click();
  await dialog.getByLabel('Jobs from its pm').fill('0');
  await choose(page, dialog, 'It begins with', 'no job yet');
  await expect(dialog.getByText('It waits until somebody inserts a job')).toBeVisible();
  await expect(dialog.getByLabel('Model')).toHaveCount(0);
  await dialog.getByRole('button', { name: 'Make it' }).click();
  await expect(page).toHaveURL(/\/assignments\/asg_/);
  expect(lastAsked(places, 'POST /assignments')!.body).toMatchObject({ north_star: 'Later', jobs: [], policy: { max_inserted_jobs: 0 } });
});

test('a job that is inserted has limits of its own', async ({ page, places }) => {
  await page.goto(`${places.url}/assignments/${ids.asg(1)}`);
  await page.getByRole('button', { name: 'Insert job…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Insert a job' });
  await dialog.getByRole('button', { name: 'Insert', exact: false }).click();
  await expect(dialog.getByText('Say what the agent is to do.')).toBeVisible();
  await dialog.getByLabel('What the agent is told').fill('Look once more');
  await choose(page, dialog, 'Place', 'behind 1 plan');
  await dialog.getByRole('button', { name: 'Its limits' }).click();
  await dialog.getByLabel('At most dollars').fill('2.50');
  await dialog.getByLabel('At most retries').fill('0');
  await dialog.getByRole('button', { name: 'Insert', exact: false }).click();
  await expect(dialog).toHaveCount(0);
  expect(lastAsked(places, `POST /assignments/${ids.asg(1)}/jobs`)!.body).toEqual({
    jobs: [{ type: 'implement', context: 'Look once more', max_retries: 0, budget: { cost_micros: 2_500_000 } }],
    after: 'job_01990000717c1a8b52',
  });
});

test('a job that failed runs again with other words, agent and time', async ({ page, places }) => {
  await page.goto(`${places.url}/attempts/${ATTEMPT}?job=${JOB}`);
  await page.getByRole('button', { name: 'Edit and retry…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Edit and retry' });
  await expect(dialog.getByLabel('What the agent is told')).toHaveValue('Mind the gifts: their price is undefined.');
  await dialog.getByLabel('What the agent is told').fill('Leave the pipeline alone.');
  await choose(page, dialog, 'Agent', 'command');
  await dialog.getByLabel('Time of one run').fill('30m');
  await dialog.getByRole('button', { name: 'Run it again' }).click();
  await expect(dialog.getByText('The harness command needs a program.')).toBeVisible();
  await dialog.getByLabel('Program').fill('./agent');
  await dialog.getByRole('button', { name: 'Run it again' }).click();
  await expect(page.getByText('The job runs again')).toBeVisible();
  const asked = { context: 'Leave the pipeline alone.', harness: 'command', program: './agent', timeout_secs: 1_800 };
  expect(lastAsked(places, `POST /jobs/${JOB}/retry`)!.body).toEqual(asked);

  await page.goto(`${places.url}/assignments/${ids.asg(1)}`);
  await page.getByRole('button', { name: 'More', exact: true }).click();
  await page.getByRole('menuitem', { name: 'Edit and retry the job…' }).click();
  await dialog.getByLabel('Model').fill('another-model');
  await dialog.getByRole('button', { name: 'Run it again' }).click();
  await expect(dialog).toHaveCount(0);
  expect(lastAsked(places, `POST /jobs/${JOB}/retry`)!.body).toEqual({ model: 'another-model' });
});

test('a blocked assignment says who has to act anew, and its limits are changed and taken away', async ({ page, places }) => {
  const change = `PATCH /assignments/${ids.asg(1)}`;
  await page.goto(`${places.url}/assignments/${ids.asg(1)}`);
  const menu = async (item: string) => {
    await page.getByRole('button', { name: 'More', exact: true }).click();
    await page.getByRole('menuitem', { name: item }).click();
  };
  await menu('Say who has to act…');
  const block = page.getByRole('dialog', { name: 'Say who has to act' });
  await block.getByLabel('By whom').fill('grace');
  await block.getByLabel('What has to be done').fill('Look at the pipeline');
  await block.getByRole('button', { name: 'Say it' }).click();
  await expect(block).toHaveCount(0);
  expect(lastAsked(places, change)!.body).toEqual({ status: 'blocked', owner: 'grace', reason: 'the change touches guarded paths: .github/workflows/ci.yml', action: 'Look at the pipeline' });

  await menu('Change its budget…');
  const budget = page.getByRole('dialog', { name: 'Budget' });
  await expect(budget.getByLabel('At most runs')).toHaveValue('50');
  await budget.getByLabel('At most runs').fill('0');
  await budget.getByRole('button', { name: 'Change it' }).click();
  await expect(budget.getByText('a number from 1')).toBeVisible();
  await budget.getByLabel('At most runs').fill('');
  await budget.getByLabel('At most time').fill('2h');
  await budget.getByRole('button', { name: 'Change it' }).click();
  await expect(budget).toHaveCount(0);
  expect(lastAsked(places, change)!.body).toEqual({ budget: { cost_micros: 10_000_000, wall_secs: 7_200 } });
});

test('the palette begins with what can be done about the assignment; saying that it is complete asks first', async ({ page, places }) => {
  const change = `PATCH /assignments/${ids.asg(1)}`;
  await page.goto(`${places.url}/assignments/${ids.asg(1)}`);
  await expect(page.getByText('A message lets it go on: what it is blocked for then counts as answered.')).toBeVisible();
  await page.keyboard.press('Control+k');
  const find = page.getByRole('dialog', { name: 'Find' });
  await expect(find.locator('[data-action]').first()).toHaveText(/Approve the change/);
  await page.getByRole('textbox', { name: 'Find' }).fill('compl');
  await page.keyboard.press('Enter');
  const dialog = page.getByRole('dialog', { name: 'Say that it is complete' });
  await expect(dialog).toContainText('The work counts as done from now on');
  expect(lastAsked(places, change)).toBeUndefined();
  await dialog.getByRole('button', { name: 'It is complete' }).click();
  await expect(dialog).toHaveCount(0);
  expect(lastAsked(places, change)!.body).toEqual({ status: 'complete' });
});

test('an operation says what is known of it, who runs it and who is told', async ({ page, places }) => {
  await page.goto(`${places.url}/operations`);
  await page.getByRole('button', { name: 'New operation…' }).click();
  const dialog = page.getByRole('dialog', { name: 'New operation' });
  await dialog.getByLabel('What is wanted?').fill('Mend the sum');
  await dialog.getByLabel('Repository').fill('acme/shop');
  await dialog.getByRole('button', { name: 'What is known of it' }).click();
  await dialog.getByLabel('The error as it was printed').fill('TypeError: total is undefined\n  at cart.ts:3');
  await dialog.getByLabel('Files that it speaks of').fill('src/cart.ts');
  await dialog.getByLabel('By what it is accepted').fill('Gifts count nothing, or less\nThe sum is whole');
  await dialog.getByRole('button', { name: 'Limits and more' }).click();
  await dialog.getByLabel('Worker').fill('big');
  await dialog.getByLabel('Priority').fill('soon');
  await dialog.getByLabel('Tell this address when it ends').fill('https://hooks.acme.example/done');
  await dialog.getByRole('textbox', { name: 'Signed with this secret' }).fill('between us');
  await dialog.getByRole('button', { name: 'Submit' }).click();
  await expect(dialog.getByText('a whole number')).toBeVisible();
  await dialog.getByLabel('Priority').fill('3');
  await dialog.getByRole('button', { name: 'Submit' }).click();
  await expect(page).toHaveURL(/\/operations\/asg_/);
  expect(lastAsked(places, 'POST /code-operations')!.body).toMatchObject({
    repository: { owner: 'acme', name: 'shop' },
    errorContext: { errorMessage: 'TypeError: total is undefined', stackTrace: 'TypeError: total is undefined\n  at cart.ts:3', affectedFiles: ['src/cart.ts'] },
    featureContext: { requirements: [], acceptanceCriteria: ['Gifts count nothing, or less', 'The sum is whole'] },
    worker: 'big',
    priority: 3,
    callback: { url: 'https://hooks.acme.example/done', secret: 'between us' },
  });
});

test('a sign-in link lets its browser do no more than is chosen', async ({ page, places }) => {
  await page.goto(`${places.url}/tokens`);
  await page.getByRole('button', { name: 'Sign-in link' }).click();
  await page.getByRole('menuitem', { name: 'read' }).click();
  await expect(page.getByRole('button', { name: 'Copy the link' })).toBeVisible();
  expect(lastAsked(places, 'POST /login-links')!.body).toEqual({ scope: 'read' });
});

test('what is not there yet says so, under its own tab', async ({ page, places }) => {
  await page.goto(`${places.url}/work?project=shop`);
  await page.getByRole('link', { name: 'Specs' }).click();
  await expect(page.getByText('Specs are not followed yet')).toBeVisible();
  await page.getByRole('link', { name: 'Errors' }).click();
  await expect(page.getByText('Failing tests are not collected yet')).toBeVisible();
  await page.getByRole('link', { name: 'All Work' }).click();
  await expect(page).toHaveURL(/\/work\?project=shop/);
});
