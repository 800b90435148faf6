/** What outsiders write is shown as text, wherever it is shown. */
import type { Page } from '@playwright/test';

import type { Places } from '../dev/places.mjs';
import { expect, rows, test as plain } from './fixtures';
import { ATTEMPT, ids, PAGES, test } from './places';

/** What outsiders may write: titles, names of branches, files and tools, what programs print, what services answer. */
const CORPUS = [
  '<script>window.hit=1</script>',
  '<img src=x onerror="window.hit=1">',
  '"><svg/onload=window.hit=1>',
  "'-alert(1)-'",
  'javascript:window.hit=1',
  '{{constructor.constructor("window.hit=1")()}}',
  '<style>body{display:none}</style>',
  '</title></textarea><iframe src="javascript:parent.hit=1">',
  '[a link](javascript:window.hit=1)',
  '\u001b[31mred\u001b[0m\u001b[2J\u001b[1;1H',
  '\u001b]8;;javascript:window.hit=1\u0007link\u001b]8;;\u0007',
  '\u009b31m\u0008\u0008\u0000',
  'invoice\u202egpj.exe \u2066isolated\u2069 zero\u200bwidth',
];
const HOSTILE = CORPUS.join(' ');
const SHOWN = '<script>window.hit=1</script>';

/** Words that the page decides by, or that lead somewhere: the daemon makes them, outsiders do not. */
const OURS =
  /(_at|At|^at|^since|^until|^id|_id|Id|^ids|status|state|kind|class|^harness|account|scope|role|bucket|level|isolation|mode|key|via|operationType|watching|holder|links|self|events|cancel|assignment|^job$|hash|url|^verdict|^what|^stage$|^stage_|stream|^change$|^type|phase|origin|outcome|duties|roles|^method|patch|on_failure|counts|^default$)$/;

function poison(value: unknown, key = ''): unknown {
  if (typeof value === 'string') return OURS.test(key) ? value : HOSTILE;
  if (Array.isArray(value)) return value.map((part) => poison(part, key));
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([name, part]) => [name, poison(part, name)]));
  return value;
}

/** All answers with hostile text in them, but for the names that addresses are made of. */
function poisonAll(places: Places): void {
  const { answers, mock } = places;
  for (const [what, answer] of Object.entries(answers)) {
    if (!what.startsWith('GET') || typeof answer === 'function' || what === 'GET /me') continue;
    answers[what] = poison(answer);
    if (!/^GET \/(projects|status|nodes|files)/.test(what)) continue;
    const named = (list: { name?: string }[] | undefined) => list?.forEach((one, n) => (one.name = what.startsWith('GET /projects') ? ['shop', 'billing', 'website', 'infra'][n] : `${n} ${HOSTILE}`));
    named(answers[what].items);
    named(answers[what].workers);
    if ('settings' in answers[what]) answers[what].name = 'shop';
  }
  answers['GET /audit'] = { items: [{ id: 'aud_999', at: new Date().toISOString(), who: HOSTILE, via: 'token', action: HOSTILE, method: 'POST', path: `/api/v1/${HOSTILE}`, status: 403, peer: HOSTILE }], next_cursor: null };
  const lines = CORPUS.map((text) => `+${text}`).join('\n');
  const diff = answers[`GET /assignments/${ids.asg(1)}/diff`];
  const path = 'src/<img src=x onerror=window.hit=1>\u202e.ts';
  Object.assign(diff, { files: [{ path, change: 'modified', insertions: CORPUS.length, deletions: 0 }], patch: `diff --git a/${path} b/${path}\n--- a/${path}\n+++ b/${path}\n@@ -1,0 +1,${CORPUS.length} @@ ${HOSTILE}\n${lines}\n` });
  const events = [
    { kind: 'text', text: HOSTILE }, { kind: 'thinking', text: HOSTILE }, { kind: 'notice', text: HOSTILE }, { kind: 'session', session_id: HOSTILE, model: HOSTILE },
    { kind: 'tool_started', id: 't', name: HOSTILE, input: { command: HOSTILE } }, { kind: 'tool_ended', id: 't', is_error: true, output: HOSTILE }, { kind: 'unknown', what: 'not_json' },
    { kind: 'ended', end: { ok: false, text: HOSTILE, usage: {}, error: HOSTILE } },
  ];
  places.transcript = events.map((event, number) => ({ number, at: new Date().toISOString(), stream: ['stdout', 'stderr'][number === 6 ? 1 : 0], line: HOSTILE, events: [event] }));
  mock.world.work.forEach((item, n) => {
    Object.assign(item, { title: `№${n} ${HOSTILE}`, summary: HOSTILE, action: HOSTILE, source: HOSTILE, branch: HOSTILE, project: HOSTILE });
    Object.assign(item.job!, { worker: HOSTILE, message: HOSTILE });
    item.pull_request = { number: 1, state: 'open', title: HOSTILE, url: 'javascript:window.hit=1', repository: HOSTILE, head: HOSTILE, seen_at: item.created_at, checks: null };
  });
  for (const [n, session] of mock.world.sessions.entries())
    Object.assign(session, { title: `№${n} ${HOSTILE}`, last_activity: HOSTILE, cwd: HOSTILE, model: HOSTILE, end_reason: HOSTILE, project: HOSTILE, harness: HOSTILE, current_tool: session.current_tool && { ...session.current_tool, name: HOSTILE, summary: HOSTILE } });
  for (const need of mock.world.needs) Object.assign(need, { title: HOSTILE, why: HOSTILE, action: HOSTILE, project: HOSTILE });
  for (const event of mock.world.events as { data: unknown }[]) event.data = poison(event.data);
  const seen = new Date().toISOString();
  answers[`GET /agents/ses_01990000007c1a8b52/activity`] = { items: ['prompt', 'tool_start', 'tool_end', 'message'].map((kind, n) => ({ number: n + 1, at: seen, kind, tool: HOSTILE, summary: HOSTILE, ok: true, duration_ms: 4 })), next_cursor: null };
  for (const what of Object.keys(answers)) if (answers[what]?.result?.pr) answers[what].result.pr.url = 'javascript:window.hit=1';
}

/** Nothing of it ran, became an element or a link, or reordered, hid or coloured text. */
async function isHarmless(page: Page, where: string): Promise<void> {
  const found = await page.evaluate(() => {
    const TRICKS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069]/;
    const marks = [...document.querySelectorAll('*')].flatMap((node) => ['aria-label', 'title', 'placeholder', 'href'].map((name) => node.getAttribute(name) ?? ''));
    return {
      hit: (window as { hit?: number }).hit,
      elements: document.querySelectorAll('main :is(script, img, iframe, object, embed, base, form[action]), main style:not([data-mantine-styles])').length,
      links: [...document.querySelectorAll('a[href]')].map((a) => (a as HTMLAnchorElement).protocol).filter((scheme) => !/^https?:$/.test(scheme)),
      tricks: [document.body.innerText, document.title, ...marks].flatMap((text) => {
        const at = text.search(TRICKS);
        return at < 0 ? [] : [text.slice(Math.max(0, at - 300), at + 20)];
      }),
      isShown: document.body.checkVisibility(),
    };
  });
  expect(found, where).toEqual({ hit: undefined, elements: 0, links: [], tricks: [], isShown: true });
}

/** Pages on which nothing of outsiders' stands. */
const OWN = new Set(['charts', 'deployments', 'specs', 'errors']);

// In parts, so that they go side by side.
for (let part = 0; part < 4; part++) {
  const pages = PAGES.filter((_, index) => index % 4 === part);
  test(`hostile text is text on every page and pane: ${pages.map((one) => one.name).join(', ')}`, async ({ page, places }) => {
    poisonAll(places);
    for (const { name, path } of pages) {
      await page.goto(places.url + path);
      await expect(page.getByRole('heading', { level: 1 })).toBeVisible();
      await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0);
      if (!OWN.has(name)) await expect(page.getByText(SHOWN).first(), name).toBeAttached();
      if (path.includes('row=')) await expect(page.getByRole('complementary').getByText(SHOWN).first(), name).toBeVisible();
      await isHarmless(page, name);
    }
  });
}

test('hostile text is text in what unfolds: tools, raw lines, stages, diffs, the palette, dialogs, refusals', async ({ page, places }) => {
  poisonAll(places);
  const log = page.getByRole('log', { name: 'What the agent printed' });
  await page.goto(`${places.url}/attempts/${ATTEMPT}?job=job_01990000017c1a8b52`);
  await log.getByRole('button', { name: /window\.hit/ }).first().click();
  await isHarmless(page, 'a tool');
  await page.keyboard.press('r');
  await expect(log.getByText(SHOWN).first()).toBeVisible();
  await isHarmless(page, 'raw lines');
  await page.getByRole('textbox', { name: 'Find in the transcript' }).fill('window.hit');
  await expect(log.locator('mark').first()).toHaveText('window.hit');
  await isHarmless(page, 'what was found');

  await page.goto(`${places.url}/assignments/${ids.asg(1)}?tab=diff`);
  await page.getByText('Split').click();
  await expect(page.getByText(SHOWN).first()).toBeVisible();
  await isHarmless(page, 'a split diff');

  await page.keyboard.press('Control+k');
  await page.getByRole('textbox', { name: 'Find' }).fill('window.hit');
  await expect(page.getByRole('dialog').getByText(SHOWN).first()).toBeVisible();
  await isHarmless(page, 'the palette');

  await page.goto(`${places.url}/projects/shop`);
  await page.getByRole('button', { name: 'Change…' }).click();
  await expect(page.getByRole('dialog')).toBeVisible();
  expect(await page.evaluate(() => (window as { hit?: number }).hit)).toBeUndefined();

  // What is to be edited stands in its field as it is.
  await page.goto(`${places.url}/attempts/${ATTEMPT}?job=job_01990000017c1a8b52`);
  await page.getByRole('button', { name: 'Edit and retry…' }).click();
  await expect(page.getByRole('dialog').getByLabel('What is wanted')).toHaveValue(/<script>window\.hit=1<\/script>/);
  expect(await page.evaluate(() => (window as { hit?: number }).hit)).toBeUndefined();

  places.refused['GET /audit'] = { status: 500, title: HOSTILE, detail: HOSTILE, hint: HOSTILE };
  await page.goto(`${places.url}/audit`);
  await expect(page.getByRole('alert').first()).toContainText(SHOWN);
  await isHarmless(page, 'a refusal');
  places.refused['POST /notifications/test'] = { status: 502, title: HOSTILE, detail: HOSTILE, hint: HOSTILE };
  await page.goto(`${places.url}/notifications`);
  await page.getByRole('button', { name: 'Send a test' }).first().click();
  await expect(page.getByRole('table', { name: 'Channels' }).getByRole('status').first()).toContainText(SHOWN);
  await isHarmless(page, 'a test that was refused');
});

plain('hostile addresses lead to nothing but empty lists', async ({ page, mock }) => {
  for (const search of ['?project=<script>window.hit=1</script>', '?status=%22%3E<img>&since=soon&row=__proto__', '?q=' + 'x'.repeat(5_000)]) {
    await page.goto(`${mock.url}/work${search}`);
    await expect(page.getByRole('navigation', { name: 'Places' })).toBeVisible();
    await expect(page.getByText(/No work|Needs you/).first()).toBeVisible();
    expect(await page.evaluate(() => (window as { hit?: number }).hit)).toBeUndefined();
  }
});

plain('a row and its words are whole: hostile text of one piece of work changes nothing beside it', async ({ page, mock }) => {
  Object.assign(mock.world.work[0]!, { title: HOSTILE, summary: HOSTILE });
  await page.goto(`${mock.url}/work`);
  await expect(rows(page).first()).toContainText('invoice⟨U+202E⟩gpj.exe');
  await expect(rows(page).nth(1)).toContainText('blocked');
  await isHarmless(page, 'work');
});
