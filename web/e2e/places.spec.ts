import { expect, isLive, rows } from './fixtures';
import { ids, lastAsked, test } from './places';

const VIEWER = { name: 'linus', via: 'session', scope: 'read', user: 'linus', assignment_id: null, expires_at: null };

test('workers show their slots, what waits and why; parked agents and breakers are let go after a question', async ({ page, places }) => {
  await page.goto(`${places.url}/workers`);
  const workers = page.getByRole('table', { name: 'Workers' });
  await expect(workers.getByRole('row', { name: /^default/ })).toContainText('3 of 4 in use');
  await expect(workers.getByRole('row', { name: /^default/ })).toContainText(/files are locked|a job before it runs|its agent is parked/);
  await expect(page.getByRole('table', { name: 'Nodes' }).getByRole('row', { name: /forge-c/ })).toContainText('lost');
  await expect(page.getByRole('table', { name: 'Agents', exact: true }).getByRole('row', { name: /codex/ })).toContainText('Run `codex login`');
  await expect(page.getByText('Agents see the system and their own workspace.')).toBeVisible();

  await page.getByRole('button', { name: 'Unpark…' }).click();
  expect(lastAsked(places, 'POST /harnesses/gemini/unpark')).toBeUndefined();
  await page.getByRole('button', { name: 'Use it' }).click();
  await expect(page.getByText('gemini is used again')).toBeVisible();
  places.emit('harness.parked', {}, { harness: 'gemini' });
  await page.getByRole('button', { name: 'Close…' }).click();
  await page.getByRole('button', { name: 'Close it' }).click();
  await expect(page.getByText('The breaker of claude/default is closed')).toBeVisible();
  places.emit('breaker.changed');
  await expect(page.getByRole('table', { name: 'Breakers' }).getByRole('row', { name: /claude/ })).toContainText('closed');

  await page.getByRole('button', { name: 'Pause everything' }).click();
  places.emit('engine.paused');
  await expect(page.getByText('Paused: what runs goes on, nothing new starts.')).toBeVisible();
});

test('who may only look sees the buttons, and why they cannot be pressed', async ({ page, places }) => {
  places.answers['GET /me'] = VIEWER;
  for (const [path, button] of [
    ['/workers', 'Unpark…'],
    [`/branches?row=${ids.asg(0)}`, 'Release…'],
    [`/operations/${ids.asg(20)}`, 'Cancel…'],
    ['/projects/shop', 'Trust these files…'],
    ['/projects/shop', 'Change…'],
    ['/housekeeping', 'Run it now…'],
  ] as const) {
    await page.goto(places.url + path);
    await expect(page.getByRole('button', { name: button })).toHaveAttribute('aria-disabled', 'true');
  }
  await page.getByRole('button', { name: 'Run it now…' }).hover();
  await expect(page.getByRole('tooltip')).toContainText('this needs the scope admin');
  await page.goto(`${places.url}/audit`);
  await expect(page.getByText('This is for admins')).toBeVisible();
  await page.goto(`${places.url}/tokens`);
  await expect(page.getByText('Tokens and people are for admins')).toBeVisible();
  await expect(page.getByRole('table', { name: 'Signed in' })).toBeVisible();
  await expect(page.getByRole('table')).toHaveCount(1);
  await page.goto(`${places.url}/notifications`);
  await expect(page.getByText('E-mail, webhooks and Slack are for admins.')).toBeVisible();
  await page.keyboard.press('c');
  await expect(page.getByRole('alert').filter({ hasText: 'this needs the scope operate' })).toBeVisible();
  await expect(page.getByRole('dialog', { name: 'New work' })).toHaveCount(0);
});

test('locks are narrowed by status, words and project, in the address; j and o walk and open', async ({ page, places }) => {
  await page.goto(`${places.url}/locks`);
  await expect(rows(page)).toHaveCount(4);
  await page.getByRole('button', { name: 'held 2' }).click();
  await expect(page).toHaveURL(/status=held/);
  await expect(rows(page)).toHaveCount(2);
  const typed = page.getByRole('textbox', { name: 'Filter' });
  await page.keyboard.press('/');
  await typed.fill('checkout');
  await expect(rows(page)).toHaveCount(2);
  await typed.fill('status:waiting checkout');
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page).first()).toContainText('waits for src/checkout/**');
  await typed.fill('nothing like that');
  await expect(page.getByText('Nothing passes this filter')).toBeVisible();
  await typed.fill('');
  await typed.press('Enter');
  await typed.press('Escape');
  await page.keyboard.press('j');
  await expect(page.getByRole('complementary')).toContainText('src/checkout/**');
  await page.keyboard.press('o');
  await expect(page).toHaveURL(new RegExp(`/assignments/${ids.asg(3)}`));
});

test('a branch is said to be merged, or released, after a question', async ({ page, places }) => {
  await page.goto(`${places.url}/branches`);
  await rows(page).first().click();
  await page.getByRole('button', { name: 'It was merged…' }).click();
  await page.getByRole('button', { name: 'It is merged' }).click();
  await expect(page.getByText('Said to be merged')).toBeVisible();
  places.emit('branch.changed', { assignment_id: ids.asg(0) });
  await expect(page.getByRole('complementary')).toContainText('merged');
  await page.getByRole('button', { name: 'Release…' }).click();
  await page.getByRole('button', { name: 'Keep it' }).click();
  expect(lastAsked(places, `POST /branches/${ids.asg(0)}/release`)).toBeUndefined();
  await page.getByRole('button', { name: 'Release…' }).click();
  await page.getByRole('button', { name: 'Release it' }).click();
  places.emit('branch.changed', { assignment_id: ids.asg(0) });
  await expect(rows(page)).toHaveCount(4);
});

test('a finding says where it is, and what would allow it', async ({ page, places }) => {
  await page.goto(`${places.url}/findings`);
  await rows(page).first().click();
  const pane = page.getByRole('complementary');
  await expect(pane).toContainText('config/deploy.yml:12:9');
  await expect(pane).toContainText('AKIA****');
  await expect(pane).toContainText('fingerprint = "0f3c5a9b1de2"');
});

test('operations: rows tell how they stand, a new one is asked for as the API wants it, one that runs is called off', async ({ page, places }) => {
  await page.goto(`${places.url}/operations`);
  await expect(rows(page).filter({ hasText: 'TypeError' })).toContainText('45 % · runs the cart tests');
  await page.getByRole('button', { name: 'New operation…' }).click();
  await page.getByRole('button', { name: 'Submit' }).click();
  await expect(page.getByText('Say what is wanted.')).toBeVisible();
  expect(lastAsked(places, 'POST /code-operations')).toBeUndefined();
  await page.getByLabel('What is wanted?').fill('Let customers pay by invoice');
  await page.getByLabel('Repository').fill('acme/shop');
  await page.getByRole('button', { name: 'Limits and more' }).click();
  await page.getByLabel('At most dollars').fill('2.50');
  await page.getByLabel('Tell this address when it ends').fill('https://acme.example/done');
  await page.getByRole('button', { name: 'Submit' }).click();
  await expect(page).toHaveURL(new RegExp(`/operations/${ids.asg(21)}`));
  expect(lastAsked(places, 'POST /code-operations')!.body).toMatchObject({
    operationType: 'error_fix', repository: { owner: 'acme', name: 'shop' }, budget: { cost_micros: 2_500_000 }, callback: { url: 'https://acme.example/done' }, approvalRequired: true,
  });

  await page.goto(`${places.url}/operations/${ids.asg(22)}`);
  await expect(page.getByRole('link', { name: '#41 Split the product module' })).toHaveAttribute('rel', 'noopener noreferrer');
  await expect(page.getByText('The requester could not be told, 8 tries so far.')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Cancel…' })).toHaveCount(0);

  await page.goto(`${places.url}/operations/${ids.asg(20)}`);
  await isLive(page);
  await page.getByRole('button', { name: 'Cancel…' }).click();
  await page.getByRole('button', { name: 'Call it off' }).click();
  places.emit('assignment.status', { assignment_id: ids.asg(20) });
  await expect(page.getByRole('region', { name: 'How it stands' })).toContainText('cancelled');
});

test('what a repository brings is shown whole before it is trusted by its hash', async ({ page, places }) => {
  await page.goto(`${places.url}/projects`);
  await rows(page).filter({ hasText: 'shop' }).click();
  await page.getByRole('button', { name: 'Open' }).click();
  await expect(page.getByText('setup = "npm ci"')).toBeVisible();
  await page.getByRole('button', { name: 'Trust these files…' }).click();
  await page.getByRole('button', { name: 'Trust them' }).click();
  await expect(page.getByText('trusted: check, setup and prompts of these files count')).toBeVisible();
  expect(lastAsked(places, 'POST /projects/shop/trust')!.body).toEqual({ hash: 'sha256:0f3c5a9b' });
});

test('a project’s settings are changed whole; what lets more through is said first', async ({ page, places }) => {
  const before = structuredClone(places.answers['GET /projects/shop'].settings);
  await page.goto(`${places.url}/projects/shop`);
  await page.getByRole('button', { name: 'Change…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Settings of shop' });
  await dialog.getByLabel('At most rounds').fill('many');
  await dialog.getByRole('button', { name: 'Change them' }).click();
  await expect(dialog.getByText('a number from 1')).toBeVisible();
  await dialog.getByLabel('At most rounds').fill('7');
  await dialog.getByRole('combobox', { name: 'Sandbox' }).click();
  await page.getByRole('option', { name: 'never' }).click();
  await dialog.getByRole('button', { name: 'Change them' }).click();
  await expect(dialog.getByRole('alert')).toContainText('Agents run without a sandbox');
  expect(lastAsked(places, 'PUT /projects/shop')).toBeUndefined();
  await dialog.getByRole('button', { name: 'Yes, change it so' }).click();
  await expect(dialog).toHaveCount(0);
  expect(lastAsked(places, 'PUT /projects/shop')!.body).toMatchObject({ repo: '/srv/src/shop', settings: { ...before, budget: { cost_micros: 5_000_000 }, max_iterations: 7, sandbox: 'off' } });
  await expect(page.getByRole('table', { name: 'Settings' }).getByRole('row', { name: /Sandbox/ })).toContainText('off');
});

test('new work: c and the palette open it, what is wrong is said, a refusal keeps what was written', async ({ page, places }) => {
  await page.goto(`${places.url}/work?project=shop`);
  await isLive(page);
  await page.keyboard.press('c');
  const dialog = page.getByRole('dialog', { name: 'New work' });
  await dialog.getByRole('button', { name: 'Start it' }).click();
  await expect(dialog.getByText('Say what you want.')).toBeVisible();
  const goal = dialog.getByLabel('What do you want?');
  await goal.fill('Make the test pass');
  await dialog.getByRole('button', { name: 'Limits and more' }).click();
  await dialog.getByLabel('At most time').fill('30m');
  await dialog.getByLabel('Check that every change has to pass').fill('npm test');
  places.refused['POST /assignments/run'] = { status: 422, title: 'Not so', detail: 'The project has no repository.', hint: 'Give one.' };
  await goal.press('Control+Enter');
  await expect(dialog.getByRole('alert')).toContainText('Give one.');
  await expect(goal).toHaveValue('Make the test pass');
  delete places.refused['POST /assignments/run'];
  await goal.press('Control+Enter');
  await expect(page).toHaveURL(/\/assignments\/asg_/);
  const [first, second] = places.requests.filter((request) => request.what === 'POST /assignments/run').map((request) => request.body!);
  expect(second).toMatchObject({ goal: 'Make the test pass', project: 'shop', verify: 'npm test', budget: { wall_secs: 1_800 }, source: 'page' });
  // Sent again, it is the same work.
  expect(second!.key).toBe(first!.key);

  await page.keyboard.press('Control+k');
  await page.getByRole('textbox', { name: 'Find' }).fill('new work');
  await page.keyboard.press('Enter');
  await expect(dialog).toBeVisible();
});

test('a token is shown once, and taken back', async ({ page, places }) => {
  await page.goto(`${places.url}/tokens`);
  await page.getByRole('button', { name: 'New token…' }).click();
  await page.getByLabel('Name').fill('ci');
  await page.getByRole('button', { name: 'Make it' }).click();
  await expect(page.getByLabel('The token', { exact: true })).toHaveText('wlt_shown-this-once');
  await page.keyboard.press('Escape');
  await page.getByRole('button', { name: 'I have it' }).click();
  await expect(page.getByText('wlt_shown-this-once')).toHaveCount(0);
  expect(lastAsked(places, 'POST /tokens')!.body).toEqual({ name: 'ci', scope: 'operate', expires_in_secs: 7_776_000 });
  const table = page.getByRole('table', { name: 'Tokens' });
  await table.getByRole('row', { name: /nightly-build/ }).getByRole('button', { name: 'Revoke…' }).click();
  await page.getByRole('button', { name: 'Revoke it' }).click();
  await expect(table.getByRole('row', { name: /nightly-build/ })).toHaveCount(0);
  await page.getByRole('button', { name: 'Show 2 that are over' }).click();
  await expect(table.getByRole('row', { name: /nightly-build/ })).toContainText('revoked');
});

test('people are added, changed, shut out and removed', async ({ page, places }) => {
  await page.goto(`${places.url}/tokens`);
  await page.getByRole('button', { name: 'Add person…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Add person' });
  await dialog.getByLabel('Name').fill('margaret');
  await dialog.getByRole('textbox', { name: 'Password' }).fill('short');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  await expect(dialog.getByText('At least 10 characters.')).toBeVisible();
  await dialog.getByRole('textbox', { name: 'Password' }).fill('long enough');
  await dialog.getByRole('button', { name: 'Add', exact: true }).click();
  const table = page.getByRole('table', { name: 'People' });
  await expect(table.getByRole('row', { name: /margaret/ })).toContainText('operator');
  await table.getByRole('row', { name: /grace/ }).getByRole('button', { name: 'Shut out…' }).click();
  await page.getByRole('button', { name: 'Shut out', exact: true }).click();
  await expect(table.getByRole('row', { name: /grace/ })).toContainText('Let in');
  await table.getByRole('row', { name: /grace/ }).getByRole('button', { name: 'Change…' }).click();
  await page.getByRole('combobox', { name: 'Role' }).click();
  await page.getByRole('option', { name: /^admin/ }).click();
  await page.getByRole('button', { name: 'Change', exact: true }).click();
  await expect(table.getByRole('row', { name: /grace/ })).toContainText('admin');
  expect(lastAsked(places, 'PATCH /users/grace')!.body).toEqual({ role: 'admin' });
});

test('browsers that are signed in are signed out from here, and this one as by the menu', async ({ page, places }) => {
  await page.goto(`${places.url}/tokens`);
  const table = page.getByRole('table', { name: 'Signed in' });
  await expect(table.getByRole('row', { name: /ada/ }).first()).toContainText('read');
  await table.getByRole('row', { name: /grace/ }).getByRole('button', { name: 'Sign out…' }).click();
  expect(lastAsked(places, 'DELETE /sign-ins/crd_2')).toBeUndefined();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(page.getByText('That browser of grace is signed out')).toBeVisible();
  await expect(table.getByRole('row', { name: /grace/ })).toHaveCount(0);
  await table.getByRole('row', { name: /the owner \(this browser\)/ }).getByRole('button', { name: 'Sign out…' }).click();
  await page.getByRole('button', { name: 'Sign out', exact: true }).click();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  expect(places.mock.requests).toContain('DELETE /api/v1/session');
});

test('the audit log is asked with the filters of the address', async ({ page, places }) => {
  await page.goto(`${places.url}/audit`);
  await expect(rows(page).first()).toBeVisible();
  await page.getByRole('textbox', { name: 'Who' }).fill('grace');
  await expect(page).toHaveURL(/who=grace/);
  await expect.poll(() => lastAsked(places, 'GET /audit')!.query).toMatchObject({ who: 'grace' });
  await page.goto(`${places.url}/audit?action=cancel_job&since=7d`);
  await expect.poll(() => lastAsked(places, 'GET /audit')!.query.since).toMatch(/^\d{4}-/);
  await expect(rows(page).first()).toContainText('cancel job');
  await rows(page).first().click();
  await expect(page.getByRole('complementary')).toContainText('127.0.0.1');
  await page.getByRole('textbox', { name: 'What, as cancel_job' }).fill('no_such_thing');
  await expect(page.getByText('Nothing passes this filter')).toBeVisible();
});

test('events come in at the top as they happen, and only those of the filter', async ({ page, places }) => {
  places.mock.world.events = [];
  places.emit('job.status', { job_id: 'job_1' }, { status: 'queued' });
  await page.goto(`${places.url}/events`);
  await isLive(page);
  await expect(rows(page)).toHaveCount(1);
  places.emit('job.status', { job_id: 'job_1' }, { status: 'running' });
  await expect(rows(page).first()).toContainText('Job taken by worker');
  await page.getByRole('combobox', { name: 'All kinds' }).fill('paused');
  await page.getByRole('option', { name: 'engine.paused' }).click();
  await expect(page).toHaveURL(/kinds=engine.paused/);
  await expect(page.getByText('No event passes this filter')).toBeVisible();
  places.emit('job.status', { job_id: 'job_1' }, { status: 'succeeded' });
  places.emit('engine.paused');
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page).first()).toContainText('engine.paused');
});

test('agents show the tool in their hands; one that ended is shown when asked for; a session has its steps', async ({ page, places }) => {
  await page.goto(`${places.url}/agents`);
  await expect(page.getByRole('heading', { name: 'Active 5' })).toBeVisible();
  await expect(rows(page)).toHaveCount(8);
  await expect(rows(page).first()).toContainText(/\d+ tools · \d+ % good · .* each/);
  await expect(rows(page).last()).toContainText(/idle for \d+ min/);
  await page.getByRole('button', { name: /^ended/ }).click();
  await expect(page.getByRole('heading', { name: /^Ended 5/ })).toBeVisible();
  await page.getByRole('button', { name: 'Clear' }).click();
  await page.keyboard.press('j');
  await page.keyboard.press('o');
  await expect(page.getByRole('heading', { level: 1, name: 'Make the checkout test pass' })).toBeVisible();
  await expect(rows(page).filter({ hasText: 'npm test -- cart' }).first()).toContainText(/passed|failed/);
  await expect(rows(page).nth(1)).toContainText('running');
  await expect(page.getByRole('table', { name: 'By tool' })).toContainText('Bash');
  await page.goto(`${places.url}/agents?view=figures`);
  await expect(page.getByRole('row', { name: /^Bash/ })).toContainText('88 %');
});

test('charts are drawn with what there is, and that it is little is said once', async ({ page, places }) => {
  await page.goto(`${places.url}/charts`);
  await expect(page.getByRole('img', { name: /jobs ended: .* succeeded/ })).toBeVisible();
  await page.getByText('As a table').first().click();
  await expect(page.getByRole('table', { name: 'Jobs that ended' }).getByRole('row')).toHaveCount(7);
  await expect(page.getByRole('row', { name: /billing/ })).toContainText('≥ $4.10');
  await expect(page.getByRole('table', { name: 'Failures by class' }).getByRole('row').nth(1)).toContainText('api error');
  await page.getByText('30 days', { exact: true }).click();
  await expect(page).toHaveURL(/since=30d/);
  await expect.poll(() => lastAsked(places, 'GET /charts')!.query.bucket).toBe('day');

  places.answers['GET /charts'] = { bucket: 'day', throughput: [{ at: new Date().toISOString(), succeeded: 1, failed: 0, dead: 0, cancelled: 0 }], durations: [], cost: [], failures: [] };
  await page.goto(`${places.url}/charts`);
  await expect(page.getByText('1 job ended: 1 succeeded.', { exact: true })).toBeVisible();
  await expect(page.getByText('Jobs ended in only one day of this time')).toHaveCount(1);
  await expect(page.getByRole('img', { name: /ended|took/ })).toHaveCount(1);
  await expect(page.getByText('Nothing was spent.')).toBeVisible();
});

test('a backup is brought back after all that it does is said; how it went stands there afterwards', async ({ page, places }) => {
  await page.goto(`${places.url}/housekeeping`);
  await page.getByRole('button', { name: 'Bring a backup back…' }).click();
  const dialog = page.getByRole('dialog', { name: 'Bring a backup back' });
  await expect(dialog).toContainText('nothing of it is deleted');
  await dialog.getByLabel('The backup’s folder').fill('/var/backups/one');
  await dialog.getByRole('button', { name: 'Restore it' }).click();
  await expect(dialog.getByText('nothing is restored without it')).toBeVisible();
  expect(lastAsked(places, 'POST /restore')).toBeUndefined();

  await dialog.getByLabel('Replace all that is here').check();
  places.refused['POST /restore'] = { status: 409, detail: 'The file database.json is not what the backup says.' };
  await dialog.getByRole('button', { name: 'Restore it' }).click();
  await expect(dialog.getByRole('alert')).toContainText('The file database.json is not what the backup says.');

  delete places.refused['POST /restore'];
  await dialog.getByRole('button', { name: 'Restore it' }).click();
  const region = page.getByRole('region', { name: 'Restore' });
  await expect(region.getByRole('status')).toContainText('60 assignments, 180 jobs. The daemon stops its agents');
  expect(lastAsked(places, 'POST /restore')!.body).toEqual({ path: '/var/backups/one', force: true });
  Object.assign(places.answers['GET /housekeeping'] as object, {
    restore: { at: new Date().toISOString(), path: '/var/backups/one', error: 'The disk is full.', restored: null },
  });
  await expect(region).toContainText(/The disk is full\..*the daemon went on with what was there/);
  await expect(region.getByRole('button', { name: 'Bring a backup back…' })).toBeVisible();
});

test('housekeeping is tried without removing anything, and run after a question', async ({ page, places }) => {
  await page.goto(`${places.url}/housekeeping`);
  await page.getByRole('button', { name: 'Try it: remove nothing' }).click();
  await expect(page.getByRole('region', { name: 'What would be removed now' })).toContainText('3 assignments');
  expect(lastAsked(places, 'POST /housekeeping')!.body).toEqual({ dry_run: true });
  await page.getByRole('button', { name: 'Run it now…' }).click();
  await page.getByRole('button', { name: 'Remove it' }).click();
  await expect(page.getByText('A round was made')).toBeVisible();
  expect(lastAsked(places, 'POST /housekeeping')!.body).toEqual({ dry_run: false });
  const folder = page.getByLabel('New folder, on the daemon’s machine');
  await folder.fill('relative');
  await expect(page.getByText('an absolute path')).toBeVisible();
  await folder.fill('/var/backups/one');
  await page.getByRole('button', { name: 'Back up' }).click();
  await expect(page.getByText('60 assignments, 180 jobs, 41.0 MB')).toBeVisible();
});

test('task files have a place only where they are served', async ({ page, places }) => {
  await page.goto(`${places.url}/files`);
  await expect(page.getByRole('table', { name: 'Workers of the directory' })).toContainText('half within 5 ms, 95 % within 25 ms');
  const nav = page.getByRole('navigation', { name: 'Places' });
  await expect(nav.getByRole('link', { name: 'Task files' })).toBeVisible();
  const keys = page.getByRole('dialog', { name: 'Keys' });
  await page.keyboard.press('?');
  await expect(keys.getByText('Go to Task files')).toBeVisible();
  const root = places.answers['GET /settings'].items.find((setting: { key: string }) => setting.key === 'files.root');
  root.value = null;
  const asked = () => places.requests.filter((request) => request.what.startsWith('GET /files')).length;
  await page.goto('about:blank');
  const before = asked();
  await page.goto(`${places.url}/files`);
  await expect(page.getByText('This daemon watches no directory of task files')).toBeVisible();
  await expect(page.getByText('WINDLASS_SHARED_DIR')).toBeVisible();
  await expect(nav.getByRole('link', { name: 'Task files' })).toHaveCount(0);
  await expect(nav.getByRole('link', { name: 'Housekeeping' })).toBeVisible();
  await page.keyboard.press('?');
  await expect(keys.getByText('Go to Housekeeping')).toBeVisible();
  await expect(keys.getByText('Go to Task files')).toHaveCount(0);
  expect(asked()).toBe(before);
});

test('settings say where they come from; a channel is tried', async ({ page, places }) => {
  await page.goto(`${places.url}/settings`);
  await expect(page.getByRole('row', { name: /workspace_root/ })).toContainText('WORKSPACE_ROOT');
  await page.keyboard.press('/');
  await page.getByRole('textbox', { name: 'Filter' }).fill('sandbox');
  await expect(page).toHaveURL(/q=sandbox/);
  await expect(page.getByRole('row', { name: /workspace_root/ })).toHaveCount(0);
  await page.goto(`${places.url}/notifications`);
  const channel = page.getByRole('table', { name: 'Channels' }).getByRole('row', { name: /^on-call/ });
  await expect(channel).toContainText('of shop, billing');
  await channel.getByRole('button', { name: 'Send a test' }).click();
  await expect(channel.getByText('It was taken.')).toBeVisible();
  expect(lastAsked(places, 'POST /notifications/test')!.body).toEqual({ channel: 'on-call' });
  places.refused['POST /notifications/test'] = { status: 502, title: 'Not taken', detail: 'hooks.slack.example answered 404.', hint: 'Look at its url.' };
  await expect(channel).toContainText('of shop, billing');
  await channel.getByRole('button', { name: 'Send a test' }).click();
  await expect(channel.getByRole('status')).toHaveText('hooks.slack.example answered 404. Look at its url.');
  await expect(page.getByRole('table', { name: 'Lately' }).getByRole('link', { name: /Make the checkout test/ }).first()).toHaveAttribute('href', `/assignments/${ids.asg(0)}`);
});

test('deployments say that nothing watches them yet', async ({ page, places }) => {
  await page.goto(`${places.url}/deployments`);
  await expect(page.getByText('Deployments are not watched yet')).toBeVisible();
});

const EMPTY = [
  ['/locks', 'GET /locks', 'No files are locked'],
  ['/branches', 'GET /branches', 'No branches are registered'],
  ['/findings', 'GET /findings', 'No secrets were found'],
  ['/operations', 'GET /code-operations', 'No operations yet'],
  ['/projects', 'GET /projects', 'No projects yet'],
  ['/audit', 'GET /audit', 'Nothing is logged yet'],
  ['/agents', 'GET /agents', 'No agent is at work'],
  ['/tokens', 'GET /tokens', 'There are none yet.'],
  ['/tokens', 'GET /users', 'Nobody has a password'],
  ['/tokens', 'GET /sign-ins', 'No browser is signed in.'],
  ['/events', 'GET /events', 'Nothing has happened yet'],
] as const;

test('every list says what would fill it, and what the matter is when it cannot be had', async ({ page, places }) => {
  test.slow();
  const before = { ...places.answers };
  for (const [path, what, words] of EMPTY) {
    places.answers[what] = { items: [], next_cursor: null };
    await page.goto(places.url + path);
    await expect(page.getByText(words)).toBeVisible();
    delete places.answers[what];
    if (before[what] !== undefined) places.answers[what] = before[what];
    places.refused[what] = { status: 500, title: 'It broke', detail: 'The database cannot be read.', hint: 'Look at the log.' };
    await page.reload();
    await expect(page.getByRole('alert').first()).toContainText('The database cannot be read.');
    delete places.refused[what];
    await page.getByRole('button', { name: 'Try again' }).click();
    await expect(page.getByRole('alert')).toHaveCount(0);
  }
});

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 } });

  test('a tap shows what is known of a row and what can be done with it', async ({ page, places }) => {
    await page.goto(`${places.url}/branches`);
    await rows(page).first().click();
    const pane = page.getByRole('complementary');
    await expect(pane.getByRole('button', { name: 'Release…' })).toBeVisible();
    await pane.getByRole('button', { name: 'Close' }).click();
    await expect(rows(page).first()).toBeVisible();
    await page.getByRole('button', { name: 'More' }).click();
    await page.getByRole('button', { name: 'New work' }).click();
    await expect(page.getByRole('dialog', { name: 'New work' })).toBeVisible();
  });
});
