/** All jobs: what the list shows and can be narrowed to, where it leads, and that it follows what happens. */
import { expect, isLive, rows, test as plain } from './fixtures';
import { ATTEMPT, ids, lastAsked, test } from './places';

const asked = (requests: string[]) => new URLSearchParams(requests.findLast((request) => request.startsWith('GET /api/v1/jobs?'))?.split('?')[1]);

test('jobs say how they stand and why they wait; chips, fields and the typed line narrow them, and the address keeps it', async ({ page, places }) => {
  await page.goto(`${places.url}/work`);
  await isLive(page);
  await page.keyboard.press('g');
  await page.keyboard.press('j');
  await expect(page).toHaveURL(/\/jobs$/);
  await expect(page).toHaveTitle(/Jobs · Windlass/);
  await page.getByRole('button', { name: 'queued 5' }).click();
  await expect(page).toHaveURL(/status=queued/);
  await expect(rows(page).first()).toContainText('queued');
  await expect(rows(page).filter({ hasText: /pm .*Waits for the \w+ job before it\./ }).first()).toBeVisible();
  expect(asked(places.mock.requests).get('status')).toBe('queued');

  await page.getByRole('combobox', { name: 'Kind' }).click();
  await page.getByRole('option', { name: 'pm' }).click();
  const filter = page.getByRole('textbox', { name: 'Filter' });
  await expect(filter).toHaveValue('status:queued type:pm');
  await expect(rows(page)).toHaveCount(8);

  await filter.fill(`status:succeeded type:plan worker:default assignment:${ids.asg(3)} steps`);
  await expect(rows(page)).toHaveCount(1);
  await expect(rows(page).first()).toContainText('Two steps: the test first');
  expect(Object.fromEntries(asked(places.mock.requests))).toMatchObject({ status: 'succeeded', type: 'plan', worker: 'default', assignment: ids.asg(3) });
  await page.reload();
  await expect(filter).toHaveValue(`status:succeeded type:plan worker:default assignment:${ids.asg(3)} steps`);
  await expect(rows(page)).toHaveCount(1);

  await filter.fill('type:dance');
  await expect(page.getByText('dance is no type; there are implement, plan')).toBeVisible();
  await filter.fill('worker:nobody');
  await expect(page.getByText('No job passes this filter')).toBeVisible();
});

test('j, k and o walk the jobs and open the attempt; beside the list stands whose it is and what can be done', async ({ page, places }) => {
  await page.goto(`${places.url}/jobs?status=failed`);
  await expect(rows(page)).toHaveCount(3);
  await page.keyboard.press('j');
  await page.keyboard.press('j');
  await page.keyboard.press('k');
  await expect(rows(page).first()).toHaveAttribute('aria-current', 'true');
  const pane = page.getByRole('complementary');
  await expect(pane.getByRole('link', { name: /^asg_/ })).toBeVisible();
  await page.goto(`${places.url}/jobs?row=job_01990000017c1a8b52`);
  await pane.getByRole('button', { name: 'Retry', exact: true }).click();
  await expect.poll(() => lastAsked(places, 'POST /jobs/job_01990000017c1a8b52/retry')).toBeDefined();
  await expect(pane.getByRole('link', { name: ids.asg(1) })).toHaveAttribute('href', `/assignments/${ids.asg(1)}`);
  await pane.getByRole('heading').click();
  await page.keyboard.press('o');
  await expect(page).toHaveURL(new RegExp(`/attempts/${ATTEMPT}`));
});

plain.describe('many jobs', () => {
  plain.use({ rows: 400 });

  plain('come page by page as somebody goes down, and follow what happens', async ({ page, mock }) => {
    await page.goto(`${mock.url}/jobs`);
    await isLive(page);
    const cursors = () => mock.requests.filter((request) => request.startsWith('GET /api/v1/jobs?') && request.includes('cursor=')).length;
    expect(cursors()).toBe(0);
    await page.getByRole('list', { name: 'Jobs' }).hover();
    await expect
      .poll(async () => {
        await page.mouse.wheel(0, 20_000);
        return cursors();
      })
      .toBeGreaterThan(2);

    await page.getByRole('button', { name: /^running/ }).click();
    const item = mock.world.work.find((one) => one.status === 'running')!;
    const row = rows(page).filter({ hasText: item.title });
    await expect(row).toHaveCount(1);
    item.job!.message = 'counts the gifts';
    mock.emit('job.progress', { assignment_id: item.id, job_id: item.job!.id }, { progress: 90, message: 'counts the gifts' });
    await expect(row).toContainText('counts the gifts');
  });
});
