import { expect, isAccessible } from './fixtures';
import { PAGES, test } from './places';

test.setTimeout(240_000);

const LOOKS = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
] as const;

for (const look of LOOKS) {
  test.describe(look.name, () => {
    test.use({ colorScheme: look.colorScheme, viewport: look.viewport });

    // In four parts, so that they go side by side.
    for (let part = 0; part < 4; part++) {
      const pages = PAGES.filter((_, index) => index % 4 === part);
      test(`${pages.map((page) => page.name).join(', ')}: accessible, and nothing sticks out`, async ({ page, places }, info) => {
        for (const { name, path, title } of pages) {
          await page.goto(places.url + path);
          await expect(page.getByRole('heading', { level: 1, name: title })).toBeVisible();
          await expect(page.getByRole('status', { name: 'Loading' })).toHaveCount(0);
          await info.attach(`${name}-${look.name}`, { body: await page.screenshot(), contentType: 'image/png' });
          await isAccessible(page);
          expect(await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth), name).toBeLessThanOrEqual(0);
        }
      });
    }

    test('the dialogs are accessible', async ({ page, places }, info) => {
      await page.goto(`${places.url}/tokens`);
      await page.getByRole('button', { name: 'New token…' }).click();
      await expect(page.getByRole('dialog', { name: 'New token' })).toBeVisible();
      await isAccessible(page);
      await page.keyboard.press('Escape');
      await page.goto(`${places.url}/operations`);
      await page.getByRole('button', { name: 'New operation…' }).click();
      await expect(page.getByRole('dialog', { name: 'New operation' })).toBeVisible();
      await isAccessible(page);
      await page.keyboard.press('Escape');
      await expect(page.getByRole('dialog')).toHaveCount(0);
      await page.keyboard.press('c');
      await expect(page.getByRole('dialog', { name: 'New work' })).toBeVisible();
      await page.getByRole('button', { name: 'Limits and more' }).click();
      await info.attach(`new-work-${look.name}`, { body: await page.screenshot(), contentType: 'image/png' });
      await isAccessible(page);
    });
  });
}
