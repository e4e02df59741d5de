/** On-call's way: from the fleet to the cause and to a run, in three clicks, while the disk of a host is slow. */
import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

import { dashboardUids, datasourceUid } from '../ids.ts';
import { expect, test } from './grafana.ts';

const root = path.resolve(import.meta.dirname, '../..');
const host = 'gz-node-0';

/** Runs a command of the lab that LAB_DIR and LAB_PORT_BASE name. */
const lab = (...args: string[]) =>
  promisify(execFile)(process.execPath, ['--import', 'tsx', 'lab/cli.ts', ...args], { cwd: root });

test.describe('while the disk of a host is slow', () => {
  test.skip(!process.env.LAB_DIR, 'LAB_DIR does not say which lab this Grafana shows');
  test.setTimeout(300_000);
  test.beforeAll(() => lab('fault', 'slow-host', host));
  test.afterAll(() => lab('heal', 'slow-host', host));

  test('the overview names it, and three clicks lead to the neighbours and to a run', async ({ page }) => {
    const sentence = new RegExp(`The disk of host ${host} is slow: inferred from \\d of 3 clusters`);
    await page.goto(`/d/${dashboardUids.overview}?var-datasource=${datasourceUid}&var-region=gz&refresh=5s`);
    const hurt = page.getByRole('row', { name: sentence });
    await expect(hurt.first()).toBeVisible({ timeout: 120_000 });

    await hurt.filter({ hasText: 'gz-etcd-default' }).getByRole('link', { name: 'gz-etcd-default' }).click();
    await expect(page).toHaveURL(new RegExp(`/d/${dashboardUids.cluster}.*var-cluster=gz-etcd-default`));
    await expect(page.getByRole('row', { name: sentence })).toBeVisible();

    await page.getByRole('row', { name: sentence }).getByRole('link', { name: host }).click();
    await expect(page).toHaveURL(new RegExp(`/d/${dashboardUids.overview}.*var-region=gz`));
    await expect.poll(() => hurt.count(), { timeout: 60_000 }).toBeGreaterThan(1);

    await page.goBack();
    await page.getByRole('button', { name: 'Run request-latency on gz-etcd-default now' }).click();
    const row = page.getByRole('row', { name: /request-latency/ }).filter({ has: page.locator('td') });
    await expect(row.first()).toContainText(/idle/, { timeout: 60_000 });
  });
});
