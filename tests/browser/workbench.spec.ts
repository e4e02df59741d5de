/** The SLO workbench, on a real fleet where it is about data. */
import { fakeFleet } from './fakeFleet.ts';
import { expect, test } from './hostPage.ts';

const workbench = '/a/etcdfleet-slo-app/workbench';

test('shows what really happened, and the change that a candidate threshold is', async ({ host }) => {
  const page = await host.open();
  await page.evaluate((path) => window.mountApp(path), workbench);
  const load = page.getByRole('button', { name: 'Load' });
  await expect(load).toBeEnabled();
  await page.getByLabel('SLI').fill('wal-fsync');
  await page.getByRole('option', { name: /wal-fsync/ }).click();
  await load.click();
  await expect(page.getByRole('img', { name: /^Burn rate of write-availability of / }).first()).toBeVisible({
    timeout: 60_000,
  });
  await expect(page.getByText('there is nothing to commit')).toBeVisible();
  const slider = page.getByRole('slider');
  await slider.focus();
  await page.keyboard.press('Home');
  await expect(page.getByText('Threshold of wal-fsync: 16ms')).toBeVisible();
  await expect(page.getByLabel('Diff')).toContainText('+      wal-fsync: 16ms');
  await expect(page.getByRole('button', { name: 'Copy the diff' })).toBeVisible();
});

test('says where a list of incidents is wrong', async ({ host }) => {
  const page = await host.open();
  await page.evaluate((path) => window.mountApp(path), workbench);
  await page.getByLabel('Incidents').fill('- start: yesterday\n');
  await expect(page.getByText(/incidents:1: 0\.start: yesterday is not a time/)).toBeVisible();
});

test('says what to do without a datasource', async ({ host }) => {
  const page = await host.open({ api: fakeFleet().api, datasources: [] });
  await page.evaluate((path) => window.mountApp(path), workbench);
  await expect(page.getByText('No etcd Fleet datasource yet')).toBeVisible();
});
