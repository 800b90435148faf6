/** How every page looks and whether everybody can use it: in light and dark, in a wide window and on a phone. Each picture is in the report. */
import type { Page, TestInfo } from '@playwright/test';

import { expect, isAccessible, rows } from './fixtures';
import { ATTEMPT, ids, PAGES, test } from './places';

const WIDE = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };

// Dark differs from light in its colours only, and a phone's window in where things stand.
const LOOKS = [
  { look: 'light', colorScheme: 'light', viewport: WIDE, rules: [] },
  { look: 'dark', colorScheme: 'dark', viewport: WIDE, rules: ['color-contrast'] },
  { look: 'phone', colorScheme: 'light', viewport: PHONE, rules: [] },
] as const;

/** Looks at what is shown in each way. */
async function looks(page: Page, info: TestInfo, name: string): Promise<void> {
  for (const { look, colorScheme, viewport, rules } of LOOKS) {
    await page.emulateMedia({ colorScheme });
    await page.setViewportSize(viewport);
    await expect(page.locator('html')).toHaveAttribute('data-mantine-color-scheme', colorScheme);
    await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0);
    const path = info.outputPath(`${name}-${look}.png`);
    await page.screenshot({ path });
    await info.attach(`${name}-${look}`, { path });
    await isAccessible(page, ...rules);
    expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), `${name}, ${look}: sticks out`).toBeLessThanOrEqual(0);
  }
  await page.emulateMedia({ colorScheme: 'light' });
  await page.setViewportSize(WIDE);
}

// In parts, so that they go side by side.
const PARTS = 6;
for (let part = 0; part < PARTS; part++) {
  const pages = PAGES.filter((_, index) => index % PARTS === part);
  test(`accessible, and nothing sticks out: ${pages.map((page) => page.name).join(', ')}`, async ({ page, places }, info) => {
    for (const { name, path, title } of pages) {
      await page.goto(places.url + path);
      await expect(page.getByRole('heading', { level: 1, name: title })).toBeAttached();
      await looks(page, info, name);
    }
  });
}

test('dialogs are accessible, and nothing sticks out', async ({ page, places }, info) => {
  const dialog = async (path: string, button: string | null, name: string, label: string, ...folds: string[]) => {
    await page.goto(places.url + path);
    await expect(page.getByRole('heading', { level: 1 })).toBeAttached();
    if (button === null) await page.keyboard.press('c');
    else await page.getByRole('button', { name: button }).click();
    await expect(page.getByRole('dialog', { name })).toBeVisible();
    for (const fold of folds) await page.getByRole('button', { name: fold }).click();
    if (button === null) {
      await page.getByRole('combobox', { name: 'It begins with' }).click();
      await page.getByRole('option', { name: /several/ }).click();
    }
    await looks(page, info, label);
  };
  await dialog('/tokens', 'New token…', 'New token', 'new-token');
  await dialog('/operations', 'New operation…', 'New operation', 'new-operation', 'What is known of it', 'Limits and more');
  await dialog('/housekeeping', 'Bring a backup back…', 'Bring a backup back', 'restore');
  await dialog('/projects/shop', 'Change…', 'Settings of shop', 'edit-project');
  await dialog('/work', null, 'New work', 'new-work', 'Limits and more');
  await dialog(`/assignments/${ids.asg(1)}`, 'Insert job…', 'Insert a job', 'insert-job', 'Its limits');
  await dialog(`/attempts/${ATTEMPT}?job=job_01990000017c1a8b52`, 'Edit and retry…', 'Edit and retry', 'edit-and-retry');
});

test('palette, keys and sign-in are accessible, and nothing sticks out', async ({ page, places }, info) => {
  await page.goto(`${places.url}/work`);
  await expect(rows(page).first()).toBeVisible();
  await page.keyboard.press('Control+k');
  await expect(page.getByRole('textbox', { name: 'Find' })).toBeVisible();
  await looks(page, info, 'palette');
  await page.keyboard.press('Escape');
  await page.keyboard.press('?');
  await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
  await looks(page, info, 'keys');
  await page.keyboard.press('Escape');
  places.mock.signedIn = false;
  delete places.answers['GET /status'];
  await page.reload();
  await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
  await looks(page, info, 'sign-in');
});

test.describe('on a phone', () => {
  test.use({ viewport: PHONE });

  test('the bar at the foot leads, More shows the rest, a tap opens a row', async ({ page, places }) => {
    await page.goto(`${places.url}/work`);
    const bar = page.getByRole('navigation', { name: 'Main places' });
    await bar.getByRole('link', { name: /Needs you/ }).click();
    await expect(page).toHaveURL(/\/inbox/);
    await bar.getByRole('button', { name: 'More' }).click();
    await page.getByRole('navigation', { name: 'Places' }).getByRole('link', { name: 'Locks' }).click();
    await expect(page).toHaveURL(/\/locks/);
    await bar.getByRole('link', { name: 'Work' }).click();
    await rows(page).first().click();
    await expect(page).toHaveURL(/\/assignments\//);
  });
});
