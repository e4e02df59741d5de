import { defineConfig } from '@playwright/test';

/** `browser` tests the built plugins in a page of their own, `e2e` in the Grafana at GRAFANA_URL. */
export default defineConfig({
  testDir: 'tests',
  outputDir: 'test-results',
  reporter: [['list']],
  forbidOnly: Boolean(process.env.CI),
  // The machine that runs the lab beside these tests has little to spare.
  workers: 1,
  timeout: 60_000,
  expect: { timeout: 15_000 },
  use: {
    viewport: { width: 1400, height: 900 },
    launchOptions: {
      executablePath: process.env.CHROMIUM_PATH ?? '/usr/bin/chromium',
      args: [
        '--headless',
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
    },
    // A trace of each test takes a quarter of the time; --trace=retain-on-failure has one of those that fail.
    trace: 'off',
    screenshot: 'only-on-failure',
  },
  projects: [
    { name: 'browser', testDir: 'tests/browser' },
    {
      name: 'e2e',
      testDir: 'tests/e2e',
      // Grafana's first page alone takes a busy machine half a minute.
      timeout: 180_000,
      expect: { timeout: 60_000 },
      use: { baseURL: process.env.GRAFANA_URL },
    },
  ],
});
