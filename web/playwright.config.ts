import { defineConfig } from '@playwright/test';

// The Chromium of the machine: no browser is downloaded.
const executablePath = process.env.CHROMIUM ?? '/usr/bin/chromium';

export default defineConfig({
  testDir: 'e2e',
  outputDir: 'test-results',
  reporter: [['list'], ['html', { open: 'never' }]],
  // Generous, for machines that do much else: a test that passes takes seconds.
  timeout: 90_000,
  expect: { timeout: 15_000 },
  // Tests wait for what they expect; two at a time leave a small machine room for the page itself.
  workers: Number(process.env.E2E_WORKERS ?? 2),
  fullyParallel: true,
  forbidOnly: Boolean(process.env.CI),
  use: {
    browserName: 'chromium',
    viewport: { width: 1440, height: 900 },
    locale: 'en-GB',
    launchOptions: { executablePath, args: process.getuid?.() === 0 ? ['--no-sandbox'] : [] },
    trace: 'retain-on-failure',
  },
});
