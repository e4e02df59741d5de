/** On-call's ways to the cause, three clicks at most, while the disk of a host is slow. */
import type { Page } from '@playwright/test';

import { dashboardUids, datasourceUid } from '../ids.ts';
import { expect, test } from './grafana.ts';
import { lab, noLab } from './lab.ts';

const host = 'gz-node-0';
const cluster = 'gz-etcd-default';
const sentence = new RegExp(`The disk of host ${host} is slow: inferred from \\d of 3 clusters`);
const finding = (page: Page) => page.getByRole('row', { name: sentence });

/** The lab's Alertmanager has a port five above Grafana's: see planLab. */
const alertmanager = (grafana: string) => {
  const url = new URL('/api/v2/alerts', grafana);
  url.port = String(Number(url.port) + 5);
  return url.href;
};

test.describe('while the disk of a host is slow', () => {
  test.skip(!process.env.LAB_DIR, noLab);
  test.setTimeout(600_000);
  test.beforeAll(() => lab('fault', 'slow-host', host));
  test.afterAll(() => lab('heal', 'slow-host', host));

  test('the link of the alert leads to the cause, to its neighbours and to a run', async ({
    page,
    request,
    baseURL,
  }) => {
    const link = async () => {
      const alerts = (await (await request.get(alertmanager(baseURL!))).json()) as Alert[];
      const page = alerts.find(({ labels }) => labels.cluster === cluster && labels.urgency === 'page');
      return page?.annotations.dashboard_url ?? '';
    };
    await expect.poll(link, { timeout: 300_000 }).toContain(`var-cluster=${cluster}`);
    await page.goto(await link());
    await expect(finding(page)).toBeVisible();

    await finding(page).getByRole('link', { name: host }).click();
    await expect(page).toHaveURL(new RegExp(`/d/${dashboardUids.hosts}.*var-host=${host}`));
    await expect(
      page.getByRole('row', { name: /Hurt: 3 of 3 clusters on it, [23] by a member on it/ }).first()
    ).toBeVisible();
    const neighbours = page.getByRole('row', { name: /here.*The disk of host/ });
    await expect.poll(() => neighbours.count()).toBeGreaterThan(1);

    await page.goBack();
    const button = page.getByRole('button', { name: `Run request-latency on ${cluster} now` });
    const row = page.getByRole('row', { name: /request-latency/ }).filter({ has: button });
    const lastRun = row.locator('td[data-column="lastRun"] time');
    const before = await lastRun.getAttribute('datetime');
    await button.click();
    await expect(lastRun).not.toHaveAttribute('datetime', before ?? '');
  });

  test('the overview names it, and one click leads to the cluster', async ({ page }) => {
    await page.goto(`/d/${dashboardUids.overview}?var-datasource=${datasourceUid}&var-region=gz&refresh=5s`);
    await expect(finding(page).first()).toBeVisible();
    await finding(page).filter({ hasText: cluster }).getByRole('link', { name: cluster }).click();
    await expect(page).toHaveURL(new RegExp(`/d/${dashboardUids.cluster}.*var-cluster=${cluster}`));
    await expect(finding(page)).toBeVisible();
  });

  test('a slow Kubernetes cluster leads back to its etcd and the host', async ({ page }) => {
    await page.goto(
      `/d/${dashboardUids.toKubernetes}?var-datasource=${datasourceUid}&var-region=gz&var-cluster=${cluster}`
    );
    await page.getByRole('link', { name: 'gz-tke-1' }).first().click();
    await expect(page).toHaveURL(new RegExp(`/d/${dashboardUids.fromKubernetes}.*var-kubernetes=gz-tke-1`));
    await expect(finding(page)).toBeVisible();
    await finding(page).getByRole('link', { name: host }).click();
    await expect(page).toHaveURL(new RegExp(`/d/${dashboardUids.hosts}.*var-host=${host}`));
  });
});

interface Alert {
  labels: Record<string, string>;
  annotations: Record<string, string>;
}
