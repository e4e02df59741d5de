import type { Page } from '@playwright/test';

import { expect, test } from './grafana.ts';

const fleetOf = (page: Page) => page.getByRole('region', { name: 'etcd Fleet', exact: true });

test('the app is enabled and its start page shows every region in health', async ({ page }) => {
  await page.goto('/a/etcdfleet-slo-app');
  await expect(page).toHaveURL(/\/a\/etcdfleet-slo-app\/fleet/);
  await expect(fleetOf(page).getByRole('listitem').filter({ hasText: /OK/ })).toHaveText([/Thanos/, /gz/, /sh/]);
});

test('the start page leads to the dashboards', async ({ page }) => {
  await page.goto('/a/etcdfleet-slo-app/fleet');
  await fleetOf(page).getByRole('link', { name: 'Regions' }).click();
  await expect(page).toHaveURL(/\/d\/etcdfleet-tier1/);
  await expect(page.getByRole('row', { name: /etcd-(small|default|large)/ }).first()).toBeVisible();
});

test('the configuration page says what comes next', async ({ page }) => {
  await page.goto('/plugins/etcdfleet-slo-app?page=configuration');
  await expect(page.getByText('etcd Fleet is enabled')).toBeVisible();
  await expect(page.getByRole('link', { name: 'Open the fleet' })).toBeVisible();
});
