/** The app's start page. */
import { appId, dashboardUids, datasourceUid } from '../ids.ts';
import { type FakeColumn, fakeFleet } from './fakeFleet.ts';
import { expect, test } from './hostPage.ts';

const dashboard = (uid: string) => new RegExp(`/d/${uid}\\?`);
const fleetPage = `/a/${appId}/fleet`;

test('shows the health of Thanos and of each region, with links to the dashboards', async ({ host }) => {
  const page = await host.open();
  await page.evaluate((path) => window.mountApp(path), fleetPage);
  const fleet = page.getByRole('region', { name: 'etcd Fleet' });
  const servers = fleet.getByRole('list', { name: 'Servers' }).getByRole('listitem');
  await expect(servers).toHaveText([/OK.*Thanos/s, /OK.*gz/s, /OK.*sh/s]);
  await expect(fleet.getByRole('link', { name: 'Regions' })).toHaveAttribute('href', dashboard(dashboardUids.overview));
  await expect(fleet.getByRole('link', { name: 'Cluster', exact: true })).toHaveAttribute(
    'href',
    /\/cluster\?datasource=/
  );
  await expect(fleet.getByText('Clusters burning')).toBeVisible();
});

test('leads to the start page from anywhere in the app', async ({ host }) => {
  const page = await host.open({ api: fakeFleet().api });
  await page.evaluate((path) => window.mountApp(path), `/a/${appId}`);
  await expect(page.getByRole('region', { name: 'etcd Fleet' })).toBeVisible();
});

test('says what is wrong with each cluster that is hurt, and leads to it', async ({ host }) => {
  const findings = [
    {
      region: 'gz',
      cluster: 'gz-etcd-1',
      severity: 'Failing',
      statement: 'gz-etcd-1 has no quorum: 2 of 3 members are down.',
      action: 'Start the members again.',
      since: Date.now() - 120_000,
    },
    { region: 'sh/北', cluster: 'a&b#"1', severity: 'Blind', statement: 'Not scraped.', action: '', since: null },
  ];
  const page = await host.open({ api: fakeFleet({ findings }).api });
  await page.evaluate((path) => window.mountApp(path), fleetPage);
  const worst = page.getByRole('list', { name: 'Worst now' });
  await expect(worst.getByRole('listitem')).toHaveText([
    /Failing.*gz \/ gz-etcd-1.*since 2 minutes ago.*has no quorum.*Next: Start the members again/s,
    /Blind.*sh\/北 \/ a&b#"1.*Not scraped\.$/s,
  ]);
  const links = await worst
    .getByRole('link')
    .evaluateAll((list) => list.map((link) => (link as HTMLAnchorElement).href));
  const queries = links.map((href) => Object.fromEntries(new URL(href).searchParams));
  expect(queries).toEqual([
    { datasource: datasourceUid, region: 'gz', cluster: 'gz-etcd-1' },
    { datasource: datasourceUid, region: 'sh/北', cluster: 'a&b#"1' },
  ]);
});

test('says that no cluster is hurt', async ({ host }) => {
  const quiet = await host.open({ api: fakeFleet().api });
  await quiet.evaluate((path) => window.mountApp(path), fleetPage);
  await expect(quiet.getByText('No cluster is known to be hurt.')).toBeVisible();
});

test('says why a diagnosis failed, and not that no cluster is hurt', async ({ host }) => {
  const page = await host.open({ api: fakeFleet({ queryError: 'Nothing listens at http://thanos.' }).api });
  await page.evaluate((path) => window.mountApp(path), fleetPage);
  await expect(page.getByRole('alert').filter({ hasText: 'Nothing listens at http://thanos.' }).first()).toBeVisible();
  await expect(page.getByText('No cluster is known to be hurt.')).toHaveCount(0);
});

test('answers as tier 1 does: four numbers, then regions and objectives with a way to each region', async ({
  host,
}) => {
  const series = (expr: string): FakeColumn[] =>
    expr.includes('ALERTS') ? [] : [{ name: 'Value', type: 'number', values: [expr.includes(' unless ') ? 0 : 2] }];
  const levels: FakeColumn[] = [
    { name: 'region', type: 'string', values: ['sh/北', 'sh/北'] },
    { name: 'objective', type: 'string', values: ['etcd-availability', 'read-availability'] },
    { name: 'budgetLeft', type: 'number', values: [0.5, -1] },
  ];
  const page = await host.open({ api: fakeFleet({ series, levels }).api });
  await page.evaluate((path) => window.mountApp(path), fleetPage);
  const panel = (title: string) => page.getByTestId(`data-testid Panel header ${title}`);
  await expect(panel('Clusters burning')).toContainText('2');
  await expect(panel('Pages firing')).toContainText('No data');
  await expect(panel('Clusters not seen')).toContainText('0');
  const regions = panel('Error budget left by region');
  await expect(regions.getByRole('row')).toContainText(['etcd-availability', '0.5']);
  const address = new URL((await regions.getByRole('link', { name: 'sh/北' }).getAttribute('href'))!, 'http://grafana');
  expect(address.pathname).toBe(`/d/${dashboardUids.overview}`);
  expect(Object.fromEntries(address.searchParams)).toEqual({
    ...{ 'var-region': 'sh/北', 'var-datasource': datasourceUid },
    ...{ from: 'now-1h', to: 'now' },
  });
});

// The lab always has a datasource that works.
test.describe('without a datasource', () => {
  for (const [role, advice] of [
    ['Admin', 'It needs the address of Thanos query'],
    ['Viewer', 'Ask an admin of your organisation'],
  ] as const) {
    test(`tells a ${role} what to do`, async ({ host }) => {
      const page = await host.open({ api: fakeFleet().api, datasources: [], role });
      await page.evaluate((path) => window.mountApp(path), fleetPage);
      await expect(page.getByText('No etcd Fleet datasource yet')).toBeVisible();
      await expect(page.getByText(advice)).toBeVisible();
      await expect(page.getByRole('link', { name: /Add/ })).toHaveCount(role === 'Admin' ? 1 : 0);
    });
  }
});

test.describe('a region in trouble', () => {
  // Grafana answers a failed check with an error status.
  test.use({ expectedConsole: [/status of 400/] });

  test('is named with the reason', async ({ host }) => {
    const body = {
      status: 'ERROR',
      message: 'sh: the token is wrong.',
      details: {
        checks: [
          { name: 'Thanos', ok: true, message: 'works', version: '0.40.1' },
          { name: 'sh', ok: false, message: 'the token is wrong' },
        ],
      },
    };
    const page = await host.open({ api: fakeFleet({ health: { status: 400, body } }).api });
    await page.evaluate((path) => window.mountApp(path), fleetPage);
    const servers = page.getByRole('list', { name: 'Servers' }).getByRole('listitem');
    await expect(servers).toHaveText([/OK.*Thanos.*works \(0.40.1\)/s, /Trouble.*sh.*the token is wrong/s]);
  });
});
