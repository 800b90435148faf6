import { expect, isLive, rows, test } from './fixtures';

test('the palette finds work, places, projects and actions', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await isLive(page);
  await page.keyboard.press('Control+k');
  const find = page.getByRole('textbox', { name: 'Find' });
  await find.fill('invoice');
  await expect(page.getByRole('dialog').getByText('Show the invoice number').first()).toBeVisible();
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/assignments\/asg_/);

  await page.keyboard.press('Control+k');
  await find.fill('dead');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/\/dead-letters/);

  await page.keyboard.press('Control+k');
  await find.fill('project bill');
  await page.keyboard.press('Enter');
  await expect(page).toHaveURL(/project=billing/);

  await page.keyboard.press('Control+k');
  await find.fill('pause');
  await page.keyboard.press('Enter');
  await expect(page.getByText('Paused: what runs goes on')).toBeVisible();

  await page.keyboard.press('Control+k');
  await find.fill('nothing is called like this');
  await expect(page.getByText('Nothing has these words')).toBeVisible();
  await page.keyboard.press('Escape');
  await expect(find).toBeHidden();
});

test('? shows the keys that work here, and two keys go to places', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await isLive(page);
  await page.keyboard.press('?');
  const sheet = page.getByRole('dialog', { name: 'Keys' });
  await expect(sheet).toContainText('Next row');
  await expect(sheet).toContainText('Go to Needs you');
  await page.keyboard.press('j');
  await expect(page).not.toHaveURL(/row=/);
  await page.keyboard.press('Escape');
  await expect(sheet).toBeHidden();
  await page.keyboard.press('g');
  await page.keyboard.press('i');
  await expect(page).toHaveURL(/\/inbox/);
});

test('keys are letters while somebody types', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await page.getByRole('textbox', { name: 'Filter' }).pressSequentially('jog? w');
  await expect(page).toHaveURL(/q=jog%3F\+w/);
  await expect(page.getByRole('dialog')).toBeHidden();
});

test('colours follow the system until somebody chooses, and the choice stays', async ({ page, mock }) => {
  await page.emulateMedia({ colorScheme: 'dark' });
  await page.goto(`${mock.url}/work`);
  const scheme = page.locator('html');
  await expect(scheme).toHaveAttribute('data-mantine-color-scheme', 'dark');
  await page.getByRole('button', { name: 'You and the colours' }).click();
  await page.getByRole('menuitemradio', { name: 'Light' }).click();
  await expect(scheme).toHaveAttribute('data-mantine-color-scheme', 'light');
  await page.reload();
  await expect(scheme).toHaveAttribute('data-mantine-color-scheme', 'light');
});

test('the inbox holds what waits for a person, with the answer at hand', async ({ page, mock }) => {
  await page.goto(`${mock.url}/inbox`);
  await expect(rows(page)).toHaveCount(3);
  await expect(rows(page).first()).toContainText('Look at the failing check, then retry the job with a hint.');
  const failed = page.getByRole('listitem').filter({ hasText: 'Blocked' });
  for (const name of ['Retry the job', 'Edit and retry…', 'Open the output']) await expect(failed.getByRole('button', { name })).toBeVisible();
  // What to do is read whole, however narrow the window is.
  await page.setViewportSize({ width: 360, height: 800 });
  const words = rows(page).first().getByText('Look at the failing check');
  expect(await words.evaluate((text) => text.closest('span')!.scrollWidth <= text.closest('span')!.clientWidth)).toBe(true);
  await page.setViewportSize({ width: 1440, height: 900 });
  await rows(page).filter({ hasText: 'Guarded change' }).click();
  await page.getByRole('button', { name: 'Approve…' }).click();
  await page.getByRole('button', { name: 'Let it through' }).click();
  await expect(page.getByText('Let through; the job goes on')).toBeVisible();
  await expect(rows(page)).toHaveCount(2);
  await expect(page.getByRole('link', { name: 'Needs you 2' })).toBeVisible();
});

test('blocked work whose job did not fail goes on; a refusal stands whole in its row', async ({ page, mock }) => {
  const need = mock.world.needs.find((one) => one.kind === 'blocked')!;
  const item = mock.world.work.find((one) => one.id === need.assignment_id)!;
  item.job!.status = 'succeeded';
  need.why = 'wait for design';
  need.action = 'ask ann';
  await page.route(`**/api/v1/assignments/${item.id}`, (route) =>
    route.request().method() === 'PATCH' ? route.fulfill({ status: 409, contentType: 'application/problem+json', json: { type: 'about:blank', status: 409, title: 'Not now', detail: 'somebody else changed it', hint: 'look at it again' } }) : route.fallback(),
  );
  await page.goto(`${mock.url}/inbox`);
  const row = page.getByRole('listitem').filter({ hasText: 'Blocked' });
  await expect(row.getByRole('link')).toContainText('wait for design. ask ann');
  await expect(row.getByRole('button', { name: 'Retry the job' })).toHaveCount(0);
  await row.getByRole('button', { name: 'Done, go on' }).click();
  await expect(row.getByRole('alert')).toContainText('Somebody else changed it');
  await expect(row.getByRole('alert')).toContainText('Look at it again');
});

test('an address that names no page says so inside the frame', async ({ page, mock }) => {
  await page.goto(`${mock.url}/nowhere`);
  await expect(page.getByText('There is no such page')).toBeVisible();
  await expect(page.getByRole('navigation', { name: 'Places' })).toBeVisible();
});

test.describe('signing in', () => {
  test('without a session there is a screen, not an answer in JSON, and it leads to where one wanted to go', async ({ page, mock }) => {
    mock.signedIn = false;
    await page.goto(`${mock.url}/inbox`);
    await expect(page.getByRole('heading', { name: 'Sign in to Windlass' })).toBeVisible();
    // Each refused question is a line in the audit log: nobody is asked for but who one is.
    expect(mock.requests.filter((request) => request.includes('/api/')).map((request) => request.replace(/^GET /, ''))).toEqual(['/api/v1/me']);
    await page.getByLabel('Token').and(page.locator('input')).last().fill('wrong');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(page.getByRole('alert')).toContainText('Wrong token');
    await expect(page.getByRole('alert')).not.toContainText('data directory');
    await page.getByText('Name and password').click();
    await expect(page.getByRole('alert')).toHaveCount(0);
    await page.getByText('Token', { exact: true }).first().click();
    await page.getByLabel('Token').and(page.locator('input')).last().fill('let-me-in');
    await page.getByRole('button', { name: 'Sign in' }).click();
    await expect(rows(page)).toHaveCount(3);
  });

  test('a one-time link signs in, and its code stays neither in the address nor in the history', async ({ page, mock }) => {
    mock.signedIn = false;
    await page.goto(`${mock.url}/login#good-code`);
    await expect(rows(page).first()).toBeVisible();
    expect(page.url()).toBe(`${mock.url}/work`);
    await page.goBack();
    expect(page.url()).not.toContain('good-code');
    expect(mock.requests.join('\n')).not.toContain('good-code');
  });

  test('a link that is no link leads to the screen', async ({ page, mock }) => {
    mock.signedIn = false;
    await page.goto(`${mock.url}/login#%`);
    await expect(page.getByRole('alert')).toContainText('That link was used or is too old');
  });

  test('a link that was used already says so on the screen', async ({ page, mock }) => {
    mock.signedIn = false;
    await page.goto(`${mock.url}/login#old-code`);
    await expect(page.getByRole('heading', { name: 'Sign in to Windlass' })).toBeVisible();
    await expect(page.getByRole('alert')).toContainText('That link was used or is too old');
  });

  test('signing out leaves nothing on the screen', async ({ page, mock }) => {
    await page.goto(`${mock.url}/work`);
    await expect(rows(page).first()).toBeVisible();
    await page.getByRole('button', { name: 'You and the colours' }).click();
    await page.getByRole('menuitem', { name: 'Sign out' }).click();
    await expect(page.getByRole('heading', { name: 'Sign in to Windlass' })).toBeVisible();
    await expect(rows(page)).toHaveCount(0);
  });
});
