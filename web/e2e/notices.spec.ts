/** Telling by the browser's own notifications, which are recorded here in place of being shown. */
import type { Page } from '@playwright/test';

import type { Mock } from '../dev/mock.mjs';
import { expect, isLive, rows, test } from './fixtures';

interface Shown {
  title: string;
  body: string;
  click(): void;
}
type Faked = Window & { shown: Shown[] };

/** A browser that answers so when it is asked, whatever the real one would. */
async function fakeNotifications(page: Page, answer: NotificationPermission): Promise<void> {
  await page.addInitScript((given) => {
    const shown: Shown[] = [];
    class Fake {
      static permission = localStorage.getItem('faked') ?? (given === 'denied' ? 'denied' : 'default');
      static async requestPermission() {
        localStorage.setItem('faked', given);
        return (Fake.permission = given);
      }
      onclick?: () => void;
      constructor(title: string, { body }: { body: string }) {
        shown.push({ title, body, click: () => this.onclick?.() });
      }
      close() {}
    }
    Object.assign(window, { shown, Notification: Fake });
  }, answer);
}
const shown = (page: Page) => page.evaluate(() => (window as unknown as Faked).shown.map(({ title }) => title));

function need(mock: Mock, n: number, title: string): void {
  const item = mock.world.work[n]!;
  mock.world.needs.push({ key: `need:${title}`, kind: 'dead_letter', title, why: 'All tries failed.', action: null, since: item.updated_at, project: item.project, assignment_id: item.id, job_id: null, until: null });
  mock.emit('assignment.status', { assignment_id: item.id }, { status: 'blocked' });
}

test('what is new is told once over all tabs and reloads, what was there is not, and a click opens it', async ({ page, mock, context }) => {
  await fakeNotifications(page, 'granted');
  await page.goto(`${mock.url}/inbox`);
  await page.getByRole('button', { name: 'Tell me in this browser' }).click();
  await expect(page.getByText('This browser tells of what is new from now on')).toBeVisible();
  await expect(page.getByRole('button', { name: 'Tell me in this browser' })).toHaveCount(0);
  const other = await context.newPage();
  await fakeNotifications(other, 'granted');
  await other.goto(`${mock.url}/work`);
  await isLive(other);

  need(mock, 20, 'The first');
  await expect(rows(page).filter({ hasText: 'The first' })).toBeVisible();
  const all = async () => [...(await shown(page)), ...(await shown(other))];
  await expect.poll(all).toEqual(['Dead letter: The first']);

  // Perhaps the tab that told is gone then: the other tells, and nothing of before.
  const before = await shown(other);
  await page.reload();
  await isLive(page);
  need(mock, 21, 'The second');
  await expect.poll(async () => (await all()).includes('Dead letter: The second')).toBe(true);
  await expect(rows(page).filter({ hasText: 'The second' })).toBeVisible();
  const told = await all();
  expect(told.filter((title) => title.endsWith('The second'))).toHaveLength(1);
  expect(told.filter((title) => title.endsWith('The first'))).toEqual(before);

  const teller = (await shown(page)).length > 0 ? page : other;
  await teller.evaluate(() => (window as unknown as Faked).shown.at(-1)!.click());
  await expect(teller).toHaveURL(new RegExp(`/assignments/${mock.world.work[21]!.id}`));
});

test('what is told is chosen, and switched off again', async ({ page, mock }) => {
  await fakeNotifications(page, 'granted');
  await page.goto(`${mock.url}/notifications`);
  const section = page.getByRole('region', { name: 'In this browser' });
  await section.getByRole('button', { name: 'Switch on' }).click();
  await section.getByLabel('everything that needs you').uncheck();
  await section.getByLabel('spent budgets').check();
  await page.reload();
  await expect(section.getByLabel('spent budgets')).toBeChecked();
  await expect(section.getByLabel('dead letters')).not.toBeChecked();
  await section.getByRole('button', { name: 'Switch off' }).click();
  await expect(section.getByText('Switched off.')).toBeVisible();
  expect(await page.evaluate(() => localStorage.getItem('windlass.notices'))).toBeNull();
});

test('a browser that refuses, or cannot, is told as that', async ({ page, mock }) => {
  await fakeNotifications(page, 'denied');
  await page.goto(`${mock.url}/inbox`);
  await expect(rows(page).first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Tell me in this browser' })).toHaveCount(0);
  await page.goto(`${mock.url}/notifications`);
  await expect(page.getByText('The browser refuses: somebody told it to block')).toBeVisible();
  await page.addInitScript(() => Object.assign(window, { Notification: undefined }));
  await page.reload();
  await expect(page.getByText('This browser cannot: it tells only for pages')).toBeVisible();
});
