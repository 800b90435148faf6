import { expect, isLive, rows, test } from './fixtures';

test('rows say their status in words, why they wait and until when, what needs somebody first', async ({ page, mock }) => {
  await page.goto(`${mock.url}/`);
  await expect(page).toHaveURL(/\/work$/);
  await expect(rows(page).first()).toContainText('blocked');
  await expect(rows(page).first()).toContainText('stayed red after 3 rounds');
  await expect(page.getByRole('heading', { name: 'Needs you 3' })).toBeVisible();
  await expect(rows(page).filter({ hasText: 'five-hour limit' }).first()).toContainText(/until \d\d:\d\d/);
  await expect(page.getByText('60 jobs · 5 running · 3 need you · live')).toBeVisible();
});

test('widgets, typed line and URL show the same filters', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  const typed = page.getByRole('textbox', { name: 'Filter' });
  await page.getByRole('button', { name: 'running 5' }).click();
  await page.getByRole('button', { name: 'waiting 5' }).click();
  await expect(typed).toHaveValue('status:running,waiting');
  await expect(page).toHaveURL(/status=running,waiting/);
  await expect(rows(page)).toHaveCount(10);

  await page.keyboard.press('/');
  await typed.fill('status:waiting project:shop invoice');
  for (const part of [/project=shop/, /status=waiting/, /q=invoice/]) await expect(page).toHaveURL(part);
  await expect(rows(page)).toHaveCount(1);
  await expect(page.getByRole('button', { name: /^running/ })).toHaveAttribute('aria-pressed', 'false');
  await expect(page.getByRole('combobox', { name: 'Project' })).toHaveValue('shop');

  await typed.fill('status:wating');
  await expect(page.getByText('wating is no status here')).toBeVisible();

  await typed.fill('harness:x');
  await expect(page.getByText('harness is no filter; there are project, status')).toBeVisible();

  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await expect(typed).toHaveValue('');
  await expect(page.getByText('is no status here')).toBeHidden();
  await typed.fill('project:shop status:waiting');
  await expect(page).toHaveURL(/status=waiting/);
  await page.getByRole('button', { name: 'Clear the filter' }).click();
  await expect(typed).toHaveValue('project:shop');
});

test('a link with filters shows what it says, and dates narrow', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work?status=complete&since=24h`);
  await expect(page.getByRole('button', { name: /^complete/ })).toHaveAttribute('aria-pressed', 'true');
  await expect(page.getByRole('button', { name: 'Dates: Last 24 hours' })).toBeVisible();
  const some = await rows(page).count();
  await page.getByRole('button', { name: /^Dates/ }).click();
  await page.getByRole('menuitem', { name: 'Any time' }).click();
  await expect.poll(() => rows(page).count()).toBeGreaterThan(some);
  await page.getByRole('button', { name: /^Dates/ }).click();
  await page.getByRole('menuitem', { name: 'Choose days…' }).click();
  await page.getByLabel('From').fill('2026-01-01');
  await page.getByLabel('To, that day included').fill('2026-01-02');
  await expect(page).toHaveURL(/since=2026-01-01&until=2026-01-02/);
  await expect(page.getByText('No work passes this filter')).toBeVisible();
});

test('the project is kept between visits and stands in the title', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await page.getByRole('combobox', { name: 'Project' }).click();
  await page.getByRole('option', { name: 'billing' }).click();
  await expect(page).toHaveTitle(/^(\(\d+\) )?billing · Work · Windlass$/);
  await page.getByRole('link', { name: 'Sessions' }).click();
  await expect(page).toHaveURL(/\/work\/sessions\?project=billing/);
  await page.goto(`${mock.url}/`);
  await expect(page).toHaveURL(/\/work\?project=billing/);
  await expect(page).toHaveTitle(/^(\(\d+\) )?billing · Work · Windlass$/);
});

test('a project that is none is told as that, and not kept', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work?project=nosuch`);
  await expect(page.getByText('There is no project nosuch.')).toBeVisible();
  await page.goto(`${mock.url}/`);
  await expect(page).toHaveURL(/\/work$/);
  await expect(page.getByText('There is no project')).toHaveCount(0);
});

test('filters go along from tab to tab', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work?q=dark&since=7d&project=website`);
  await page.getByRole('link', { name: 'Sessions' }).click();
  await expect(page).toHaveURL(/q=dark/);
  await expect(page).toHaveURL(/since=7d/);
  await expect(page).toHaveURL(/project=website/);
  await page.getByRole('link', { name: 'All Work' }).click();
  await expect(page.getByRole('textbox', { name: 'Filter' })).toHaveValue('project:website since:7d dark');
});

test('j, k and o walk and open; Escape lets go', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await expect(rows(page).first()).toBeVisible();
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await expect(rows(page).nth(1)).toHaveAttribute('aria-current', 'true');
  await expect(rows(page).nth(1)).toBeFocused();
  const pane = page.getByRole('complementary', { name: 'The current row' });
  await expect(pane).toContainText('Take the key out and rotate it');
  await page.keyboard.press('k');
  await expect(rows(page).first()).toBeFocused();
  await page.keyboard.press('ArrowDown');
  await expect(rows(page).nth(1)).toBeFocused();
  await page.keyboard.press('Escape');
  await expect(pane).toBeHidden();
  await page.keyboard.press('j');
  await page.keyboard.press('o');
  await expect(page).toHaveURL(new RegExp(`/assignments/${mock.world.work[0]!.id}`));
});

test('what happens is in the row at once, without a reload', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await isLive(page);
  const item = mock.world.work.find((row) => row.status === 'waiting')!;
  Object.assign(item, { status: 'running', summary: 'The agent reads the code.', until: null });
  Object.assign(item.job!, { status: 'running', started_at: new Date().toISOString() });
  mock.emit('job.status', { assignment_id: item.id, job_id: item.job!.id });
  await expect(rows(page).filter({ hasText: 'The agent reads the code.' })).toBeVisible();
  await expect(page.getByText(/6 running/)).toBeVisible();

  const asked = mock.requests.filter((request) => request.startsWith('GET /api/v1/work?')).length;
  Object.assign(item.job!, { progress: 61, message: 'runs the tests' });
  mock.emit('job.progress', { assignment_id: item.id, job_id: item.job!.id }, { progress: 61, message: 'runs the tests' });
  await expect(rows(page).filter({ hasText: '61 % · runs the tests' })).toBeVisible();
  expect(mock.requests.filter((request) => request.startsWith('GET /api/v1/work?')).length - asked).toBeLessThanOrEqual(1);
});

test('one stream serves the tab', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await isLive(page);
  await page.getByRole('link', { name: 'Sessions' }).click();
  await page.getByRole('link', { name: /Needs you/ }).first().click();
  await expect(page.getByRole('heading', { name: 'Needs you' })).toBeVisible();
  expect(mock.requests.filter((request) => request.startsWith('GET /api/v1/events'))).toHaveLength(1);
});

test('calling off asks first, and says that it was done', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work`);
  await rows(page).first().click();
  const title = mock.world.work[0]!.title;
  await page.getByRole('button', { name: 'Cancel…' }).click();
  await page.getByRole('button', { name: 'Keep it' }).click();
  expect(mock.world.work[0]!.status).toBe('blocked');
  await page.getByRole('button', { name: 'Cancel…' }).click();
  await page.getByRole('button', { name: 'Call it off' }).click();
  await expect(page.getByText('Called off', { exact: true })).toBeVisible();
  await expect(page.getByRole('complementary')).toContainText('cancelled');
  await expect(page.getByRole('complementary')).toContainText(title);
  await expect(page.getByRole('heading', { name: 'Needs you 2' })).toBeVisible();
});

test('who may only look sees why a button cannot be pressed', async ({ page, mock }) => {
  mock.me = { name: 'ada', via: 'session', scope: 'read', user: 'ada' };
  await page.goto(`${mock.url}/work`);
  await rows(page).first().click();
  const button = page.getByRole('button', { name: 'Retry' });
  await expect(button).toHaveAttribute('aria-disabled', 'true');
  await button.hover();
  await expect(page.getByRole('tooltip')).toContainText('this needs the scope operate');
});

test('sessions show what each agent does now', async ({ page, mock }) => {
  await page.goto(`${mock.url}/work/sessions`);
  await expect(page.getByRole('heading', { name: 'Active 5' })).toBeVisible();
  await expect(rows(page).first()).toContainText('active');
  await expect(rows(page).first()).toContainText(/tools, \d+ % good/);
  await page.getByRole('button', { name: 'idle 3' }).click();
  await expect(rows(page)).toHaveCount(3);
  await page.keyboard.press('j');
  await expect(page.getByRole('complementary')).toContainText('Mean time');
});

test.describe('with nothing to show', () => {
  test.use({ rows: 0 });

  test('empty lists say what would fill them', async ({ page, mock }) => {
    await page.goto(`${mock.url}/work`);
    await expect(page.getByText('No work yet')).toBeVisible();
    await expect(page.getByText('0 jobs · 0 running · nothing needs you · live')).toBeVisible();
    await page.goto(`${mock.url}/work/sessions`);
    await expect(page.getByText('windlass hooks install')).toBeVisible();
    await page.goto(`${mock.url}/inbox`);
    await expect(page.getByText('Nothing needs you', { exact: true })).toBeVisible();
  });
});
