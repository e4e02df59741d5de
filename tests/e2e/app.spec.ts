import type { Page } from '@playwright/test';

import { appId, dashboardUids, datasourceUid } from '../ids.ts';
import { expect, test } from './grafana.ts';

const fleetOf = (page: Page) => page.getByRole('region', { name: 'etcd Fleet', exact: true });

test('the app is enabled and its start page shows every region as healthy', async ({ page }) => {
  await page.goto(`/a/${appId}`);
  await expect(page).toHaveURL(new RegExp(`/a/${appId}/fleet`));
  await expect(fleetOf(page).getByRole('listitem').filter({ hasText: /OK/ })).toHaveText([/Thanos/, /gz/, /sh/]);
});

test('the start page leads to the dashboards', async ({ page }) => {
  await page.goto(`/a/${appId}/fleet`);
  await fleetOf(page).getByRole('link', { name: 'Regions' }).click();
  await expect(page).toHaveURL(new RegExp(`/d/${dashboardUids.overview}`));
  await expect(page.getByRole('row', { name: /^gz/ }).first()).toBeVisible();
});

test('the page of a cluster shows what its dashboard shows', async ({ page }) => {
  const cluster = new URLSearchParams({ datasource: datasourceUid, region: 'gz', cluster: 'gz-etcd-default' });
  await page.goto(`/a/${appId}/cluster?${cluster.toString()}`);
  await expect(page.getByRole('region', { name: 'Diagnosis' }).getByRole('heading', { level: 2 })).toBeVisible();
  await expect(page.getByRole('row', { name: /read-availability/ })).toBeVisible();
  await expect(page.getByRole('row', { name: /gz-node-0/ }).first()).toBeVisible();
  await expect(page.getByRole('button', { name: 'Run etcd-node-key-diff on gz-etcd-default now' })).toBeVisible();
});

test('the configuration page links to the next step', async ({ page }) => {
  await page.goto(`/plugins/${appId}?page=configuration`);
  await expect(page.getByText('etcd Fleet is enabled')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Open the fleet' })).toBeVisible();
});
