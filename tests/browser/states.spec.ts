/** The panel in states that are hard to create in a real fleet, with a fake datasource. */
import { dashboardUids } from '../ids.ts';
import { fakeFleet } from './fakeFleet.ts';
import { expect, inspectionsTarget, test } from './hostPage.ts';

const panel = { targets: [inspectionsTarget] };
const twoClusters = [{ cluster: 'gz-etcd-default', outcome: 'Failed' }, { cluster: 'gz-etcd-small' }];
const runDefault = 'Run etcd-node-key-diff on gz-etcd-default now';

test('says what to do when no inspection is in scope', async ({ host }) => {
  const page = await host.mountPanel(panel, { api: fakeFleet().api });
  await expect(page.getByText('No inspections in this scope')).toBeVisible();
  await expect(page.getByText(/Widen the scope/)).toBeVisible();
});

test('says what to do without a query', async ({ host }) => {
  const page = await host.mountPanel({ targets: [] }, { api: fakeFleet().api });
  await expect(page.getByText(/choose an etcd Fleet datasource/)).toBeVisible();
});

test('shows why the query failed', async ({ host }) => {
  const page = await host.mountPanel(panel, { api: fakeFleet({ queryError: 'region sh is not configured' }).api });
  await expect(page.getByText('region sh is not configured')).toBeVisible();
});

test('names a stale region and the age of its rows', async ({ host }) => {
  const regions = [{ name: 'sh', state: 'stale', since: Date.now() - 180_000, error: 'connection refused' }];
  const page = await host.mountPanel(panel, { api: fakeFleet({ inspections: twoClusters, regions }).api });
  await expect(page.getByText(/Region sh has not been reachable for 3 minutes.*connection refused/)).toBeVisible();
  await expect(page.getByRole('row', { name: /gz-etcd-small/ })).toBeVisible();
});

test('shows rows and notices once that two queries return', async ({ host }) => {
  const regions = [{ name: 'sh', state: 'stale', error: 'connection refused' }];
  const targets = [inspectionsTarget, { ...inspectionsTarget, refId: 'B' }];
  const page = await host.mountPanel({ targets }, { api: fakeFleet({ inspections: twoClusters, regions }).api });
  await expect(page.locator('td[data-column="cluster"]')).toHaveText(['gz-etcd-default', 'gz-etcd-small']);
  await expect(page.getByText(/connection refused/)).toHaveCount(1);
});

test.describe('a run that is refused', () => {
  // Chromium logs each error response.
  test.use({ expectedConsole: [/status of 503/] });

  test('shows the reason in its row until it is dismissed', async ({ host }) => {
    const message = 'The API server of region gz cannot be reached: is it running?';
    const fleet = fakeFleet({ inspections: twoClusters, run: { status: 503, body: { message } } });
    // The panel has room for one row, so that the error appears below the visible area.
    const page = await host.mountPanel({ ...panel, height: 120 }, { api: fleet.api });
    await page.getByRole('button', { name: runDefault }).click();
    const error = page.getByRole('alert');
    await expect(error).toContainText(message);
    await expect(error).toBeInViewport();
    await error.getByRole('button', { name: /Dismiss/ }).click();
    await expect(error).toBeHidden();
    await expect(page.getByRole('button', { name: runDefault })).toBeEnabled();
  });
});

test('a run without an answer ends with advice', async ({ host }) => {
  const fleet = fakeFleet({ inspections: twoClusters });
  const page = await host.mountPanel({ ...panel, options: { runTimeoutSeconds: 3 } }, { api: fleet.api });
  await page.getByRole('button', { name: runDefault }).click();
  await expect(page.getByRole('row', { name: /gz-etcd-default/ })).toContainText('queued');
  await expect(page.getByRole('alert')).toContainText('Queued for 3 s: is the cruiser of region gz running?');
  expect(fleet.runs).toEqual([{ region: 'gz', cluster: 'gz-etcd-default', check: 'etcd-node-key-diff' }]);
});

test.describe('a permission that cannot be queried', () => {
  test.use({ expectedConsole: [/status of 502/] });

  test('disables the buttons and says so', async ({ host }) => {
    const permission = { status: 502, body: { message: 'the plugin is not running' } };
    const page = await host.mountPanel(panel, { api: fakeFleet({ inspections: twoClusters, permission }).api });
    const button = page.getByRole('button', { name: runDefault });
    await expect(button).toBeDisabled();
    await button.hover();
    await expect(page.getByText(/not known: the plugin is not running/)).toBeVisible();
  });
});

test('draws a thousand inspections and scrolls through them', async ({ host }) => {
  const inspections = Array.from({ length: 1000 }, (_, index) => ({ cluster: `gz-etcd-${index}` }));
  const page = await host.mountPanel(panel, { api: fakeFleet({ inspections }).api });
  await expect(page.getByRole('table')).toHaveAttribute('aria-rowcount', '1001');
  expect(await page.getByRole('row').count()).toBeLessThan(60);
  await page.getByRole('region', { name: 'Inspections' }).evaluate((region) => region.scrollTo(0, 1e6));
  await expect(page.getByRole('row', { name: /gz-etcd-999\b/ })).toBeVisible();
});

test('filters by outcome and sorts by column', async ({ host }) => {
  const inspections = [...twoClusters, { cluster: 'a-etcd', outcome: 'Warning' }];
  const page = await host.mountPanel(panel, { api: fakeFleet({ inspections }).api });
  const clusters = page.locator('td[data-column="cluster"]');
  await expect(clusters).toHaveText(['gz-etcd-default', 'gz-etcd-small', 'a-etcd']);

  await page.getByRole('button', { name: 'Cluster' }).click();
  await expect(page.getByRole('columnheader', { name: 'Cluster' })).toHaveAttribute('aria-sort', 'ascending');
  await expect(clusters).toHaveText(['a-etcd', 'gz-etcd-default', 'gz-etcd-small']);

  await page.getByRole('button', { name: 'Failed 1' }).click();
  await expect(clusters).toHaveText(['gz-etcd-default']);
});

test('follows the data links of a field', async ({ host }) => {
  const link = { title: 'Open', url: `/d/${dashboardUids.cluster}?var-cluster=\${__data.fields.cluster}` };
  const fieldConfig = {
    defaults: {},
    overrides: [{ matcher: { id: 'byName', options: 'cluster' }, properties: [{ id: 'links', value: [link] }] }],
  };
  const page = await host.mountPanel({ ...panel, fieldConfig }, { api: fakeFleet({ inspections: twoClusters }).api });
  const address = `/d/${dashboardUids.cluster}?var-cluster=gz-etcd-default`;
  await expect(page.getByRole('link', { name: 'gz-etcd-default' })).toHaveAttribute('href', address);
});

test('shows the columns that its options name, and no buttons when running is not offered', async ({ host }) => {
  const options = { columns: ['cluster', 'outcome'], showHistory: false, allowRun: false, compact: true };
  const page = await host.mountPanel({ ...panel, options }, { api: fakeFleet({ inspections: twoClusters }).api });
  await expect(page.getByRole('columnheader')).toHaveText(['Cluster', 'Outcome']);
  await expect(page.getByRole('button', { name: /^Run/ })).toHaveCount(0);
});

test('describes the history in words, and each run on hover or with arrow keys', async ({ host }) => {
  const page = await host.mountPanel(panel, { api: fakeFleet({ inspections: twoClusters }).api });
  const history = page.getByRole('img', { name: /gz-etcd-default: last 20 runs: 19 Passed, 1 Failed/ });
  await history.hover({ position: { x: 94, y: 10 } });
  await expect(page.getByText('nodeKeyDiff = 7')).toBeVisible();
  await page.mouse.move(0, 0);
  await history.focus();
  await expect(page.getByText('nodeKeyDiff = 0')).toBeVisible();
  for (let moves = 0; moves < 4; moves++) {
    await page.keyboard.press('ArrowLeft');
  }
  await expect(page.getByText('nodeKeyDiff = 7')).toBeVisible();
});
