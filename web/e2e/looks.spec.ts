import { expect, isAccessible, rows, test } from './fixtures';

const PAGES = [
  { name: 'work', path: '/work' },
  { name: 'work-row', path: '/work?row=asg_01990000017c1a8b52' },
  { name: 'sessions', path: '/work/sessions' },
  { name: 'inbox', path: '/inbox' },
];
const LOOKS = [
  { name: 'light', colorScheme: 'light', viewport: { width: 1440, height: 900 } },
  { name: 'dark', colorScheme: 'dark', viewport: { width: 1440, height: 900 } },
  { name: 'phone', colorScheme: 'light', viewport: { width: 390, height: 844 } },
  { name: 'phone-dark', colorScheme: 'dark', viewport: { width: 390, height: 844 } },
] as const;

for (const look of LOOKS) {
  test.describe(look.name, () => {
    test.use({ colorScheme: look.colorScheme, viewport: look.viewport });

    for (const { name, path } of PAGES) {
      test(`${name} is accessible and fits`, async ({ page, mock }, info) => {
        await page.goto(mock.url + path);
        await expect(rows(page).first()).toBeVisible();
        await info.attach(`${name}-${look.name}`, { body: await page.screenshot(), contentType: 'image/png' });
        await isAccessible(page);
        const overflow = await page.evaluate(() => document.documentElement.scrollWidth - window.innerWidth);
        expect(overflow).toBeLessThanOrEqual(0);
      });
    }

    test('sign-in, palette, keys and menus are accessible', async ({ page, mock }, info) => {
      await page.goto(`${mock.url}/work`);
      await expect(rows(page).first()).toBeVisible();
      await page.keyboard.press('Control+k');
      await expect(page.getByRole('textbox', { name: 'Find' })).toBeVisible();
      await info.attach(`palette-${look.name}`, { body: await page.screenshot(), contentType: 'image/png' });
      await isAccessible(page);
      await page.keyboard.press('Escape');
      await page.keyboard.press('?');
      await expect(page.getByRole('dialog', { name: 'Keys' })).toBeVisible();
      await info.attach(`keys-${look.name}`, { body: await page.screenshot(), contentType: 'image/png' });
      await isAccessible(page);
      await page.keyboard.press('Escape');
      mock.signedIn = false;
      await page.reload();
      await expect(page.getByRole('button', { name: 'Sign in' })).toBeVisible();
      await info.attach(`sign-in-${look.name}`, { body: await page.screenshot(), contentType: 'image/png' });
      await isAccessible(page);
    });
  });
}

test.describe('on a phone', () => {
  test.use({ viewport: { width: 390, height: 844 } });

  test('the bar at the foot leads, More shows the rest, a tap opens a row', async ({ page, mock }) => {
    await page.goto(`${mock.url}/work`);
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
