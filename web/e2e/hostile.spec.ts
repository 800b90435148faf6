import { expect, rows, test } from './fixtures';

/** What outsiders may write where the page shows it. */
const CORPUS = [
  '<script>window.hit=1</script>',
  '<img src=x onerror="window.hit=1">',
  '"><svg/onload=window.hit=1>',
  "'-alert(1)-'",
  'javascript:window.hit=1',
  '{{constructor.constructor("window.hit=1")()}}',
  '<style>body{display:none}</style>',
  '\u001b]8;;javascript:window.hit=1\u0007link\u001b]8;;\u0007',
  'invoice\u202egpj.exe',
];

test('hostile text shows as text in every place of a row, pane and inbox', async ({ page, mock }) => {
  CORPUS.forEach((text, n) => {
    const item = mock.world.work[n]!;
    Object.assign(item, { title: `№${n} ${text}`, summary: text, action: text, source: text, branch: text, project: text, until: null, status: 'blocked', needs_you: true });
    Object.assign(item.job!, { worker: text, message: text, progress: 0, harness: text });
    item.pull_request = { number: 1, state: 'open', title: text, url: 'javascript:window.hit=1', repository: text, head: text, seen_at: item.created_at, checks: null };
    Object.assign(mock.world.sessions[n]!, { title: `№${n} ${text}`, last_activity: text, cwd: text, model: text, end_reason: text, project: text, current_tool: { name: text, summary: text, since: item.created_at } });
  });
  mock.world.needs = mock.world.work.slice(0, CORPUS.length).map((item) => ({
    key: item.id, kind: 'blocked', title: item.title, why: item.summary, action: item.action, since: item.created_at, project: item.project, assignment_id: item.id, job_id: null, until: null,
  }));
  for (const path of ['/work', '/work/sessions', '/inbox']) {
    await page.goto(mock.url + path);
    await expect(rows(page).first()).toBeVisible();
    for (let n = 0; n < CORPUS.length; n++) {
      await rows(page).filter({ hasText: `№${n} ` }).first().click();
      await expect(page.getByRole('complementary')).toBeVisible();
      expect(await page.locator('#root a[href^="javascript:"]').count()).toBe(0);
    }
    await expect(rows(page).filter({ hasText: '<script>window.hit=1</script>' }).first()).toBeVisible();
    await expect(rows(page).filter({ hasText: 'invoice⟨U+202E⟩gpj.exe' }).first()).toBeVisible();
    expect(await page.evaluate(() => (window as { hit?: number }).hit)).toBeUndefined();
    expect(await page.locator('main script, main img, main style').count()).toBe(0);
  }
});

test('hostile addresses lead to nothing but empty lists', async ({ page, mock }) => {
  for (const search of ['?project=<script>window.hit=1</script>', '?status=%22%3E<img>&since=soon&row=__proto__', '?q=' + 'x'.repeat(5_000)]) {
    await page.goto(`${mock.url}/work${search}`);
    await expect(page.getByRole('navigation', { name: 'Places' })).toBeVisible();
    await expect(page.getByText(/No work|Needs you/).first()).toBeVisible();
    expect(await page.evaluate(() => (window as { hit?: number }).hit)).toBeUndefined();
  }
});
