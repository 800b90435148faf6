/** What the tests stand on: a made-up daemon, and a page that must stay free of errors and policy violations. */
import AxeBuilder from '@axe-core/playwright';
import { expect, test as base, type Page } from '@playwright/test';

import { makeWorld, start, type Mock } from '../dev/mock.mjs';

interface Fixtures {
  rows: number;
  mock: Mock;
  /** What the browser complained of. A test that expects complaints empties it. */
  complaints: string[];
}

export const test = base.extend<Fixtures>({
  rows: [60, { option: true }],
  mock: async ({ rows }, use) => {
    const mock = await start({ world: makeWorld(rows), moves: false, page: true });
    await use(mock);
    await mock.stop();
  },
  complaints: [
    async ({ page }, use) => {
      const complaints: string[] = [];
      page.on('console', (message) => {
        // That an answer was a refusal is the daemon's affair, and shown by the page.
        if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) complaints.push(message.text());
      });
      page.on('pageerror', (error) => complaints.push(error.message));
      page.on('dialog', (dialog) => {
        complaints.push(`a dialog: ${dialog.message()}`);
        void dialog.dismiss();
      });
      await use(complaints);
      expect(complaints).toEqual([]);
    },
    { auto: true },
  ],
});

export { expect };

/** The rows of the list that is shown. */
export const rows = (page: Page) => page.getByRole('listitem').getByRole('link');

/** Waits until the stream stands. */
export const isLive = (page: Page) => expect(page.getByText('live', { exact: true })).toBeVisible();

/** Fails for anything that axe finds, or that these of its rules do. */
export async function isAccessible(page: Page, ...rules: string[]): Promise<void> {
  // The page has no frames: nothing has to be put together in a page of its own, which takes longer than looking.
  const axe = new AxeBuilder({ page }).setLegacyMode();
  const { violations } = await (rules.length > 0 ? axe.withRules(rules) : axe).analyze();
  expect(violations.map((v) => `${v.id}: ${v.nodes.map((node) => node.html.slice(0, 160)).join(' | ')}`)).toEqual([]);
}
