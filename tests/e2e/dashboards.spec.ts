import { dashboardUids, datasourceUid } from '../ids.ts';
import { expect, test } from './grafana.ts';

const cluster = `var-datasource=${datasourceUid}&var-region=gz&var-cluster=gz-etcd-default`;
const runButton = 'Run etcd-node-key-diff on gz-etcd-default now';

for (const [title, address, row] of [
  ['regions', `/d/${dashboardUids.overview}?var-datasource=${datasourceUid}`, /^gz/],
  ['business', `/d/${dashboardUids.business}?var-datasource=${datasourceUid}`, /^gz/],
  ['big customers', `/d/${dashboardUids.customers}?var-datasource=${datasourceUid}`, /gz-etcd-large/],
  ['platform', `/d/${dashboardUids.platform}?var-datasource=${datasourceUid}`, /^3\.6\.5/],
  ['scene', `/d/${dashboardUids.scene}?var-datasource=${datasourceUid}&var-scene=business`, /read-availability/],
  ['cluster', `/d/${dashboardUids.cluster}?${cluster}`, /gz-etcd-default/],
  ['ways to Kubernetes', `/d/${dashboardUids.toKubernetes}?${cluster}`, /gz-tke-1/],
  ['ways from Kubernetes', `/d/${dashboardUids.fromKubernetes}?${cluster}&var-kubernetes=gz-tke-1`, /gz-etcd-default/],
  ['hosts', `/d/${dashboardUids.hosts}?${cluster}&var-host=gz-node-1`, /gz-node-1/],
  ['monitoring', `/d/${dashboardUids.monitoring}?${cluster}`, /^gz/],
] as const) {
  test(`the dashboard of the ${title} shows data and no error`, async ({ page }) => {
    const errors: string[] = [];
    page.on('response', async (response) => {
      if (response.url().includes('/api/ds/query') && !response.ok()) {
        errors.push(`${response.status()} ${await response.text()}`);
      }
    });
    await page.goto(address);
    await expect(page.getByRole('row', { name: row }).first()).toBeVisible();
    await page.waitForLoadState('networkidle');
    await expect(page.getByTestId('data-testid Panel status error')).toHaveCount(0);
    await expect(page.getByText('Panel plugin not found')).toHaveCount(0);
    expect(errors).toEqual([]);
  });
}

test('a cluster that the inventory does not have stays the one that is shown', async ({ page }) => {
  await page.goto(`/d/${dashboardUids.cluster}?var-datasource=${datasourceUid}&var-region=gz&var-cluster=gz-etcd-9`);
  const answer = page.getByRole('row', { name: /Not known: .*gz-etcd-9/ });
  await expect(answer).toBeVisible();
  const answered = page.waitForResponse((response) => response.url().includes('/api/ds/query'));
  await page.getByTestId('data-testid RefreshPicker run button').click();
  await answered;
  await expect(answer).toBeVisible();
  expect(new URL(page.url()).searchParams.get('var-cluster')).toBe('gz-etcd-9');
});

test('Run now leads to a new record within ten seconds', async ({ page }) => {
  await page.goto(`/d/${dashboardUids.cluster}?${cluster}`);
  const row = page
    .getByRole('row', { name: /etcd-node-key-diff/ })
    .filter({ has: page.getByRole('button', { name: runButton }) });
  const lastRun = row.locator('td[data-column="lastRun"] time');
  const before = await lastRun.getAttribute('datetime');
  await page.getByRole('button', { name: runButton }).click();
  await expect(lastRun).not.toHaveAttribute('datetime', before ?? '', { timeout: 10_000 });
  await expect(row.locator('td[data-column="state"]')).toHaveText('idle');
});

test.describe('a viewer', () => {
  test.use({ account: 'viewer' });

  test('sees the button disabled, with the reason', async ({ page }) => {
    await page.goto(`/d/${dashboardUids.cluster}?${cluster}`);
    const button = page.getByRole('button', { name: runButton });
    await expect(button).toBeDisabled();
    await button.hover();
    await expect(page.getByRole('tooltip')).toContainText('Editor');
  });
});

test.describe('an editor', () => {
  test.use({ account: 'editor' });

  test('may run inspections', async ({ page }) => {
    await page.goto(`/d/${dashboardUids.cluster}?${cluster}`);
    await expect(page.getByRole('button', { name: runButton })).toBeEnabled();
  });
});
