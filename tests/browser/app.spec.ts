/** The app's start page. */
import { appId, dashboardUids } from '../ids.ts';
import { fakeFleet } from './fakeFleet.ts';
import { expect, test } from './hostPage.ts';

const dashboard = (uid: string) => new RegExp(`/d/${uid}\\?`);
const fleetPage = `/a/${appId}/fleet`;

test('shows the health of Thanos and of each region, with links to the dashboards', async ({ host }) => {
  const page = await host.open();
  await page.evaluate((path) => window.mountApp(path), fleetPage);
  const fleet = page.getByRole('region', { name: 'etcd Fleet' });
  await expect(fleet.getByRole('listitem')).toHaveText([/OK.*Thanos/s, /OK.*gz/s, /OK.*sh/s]);
  await expect(fleet.getByRole('link', { name: 'Regions' })).toHaveAttribute('href', dashboard(dashboardUids.overview));
  await expect(fleet.getByRole('link', { name: 'Cluster' })).toHaveAttribute('href', dashboard(dashboardUids.cluster));
});

test('leads to the start page from anywhere in the app', async ({ host }) => {
  const page = await host.open({ api: fakeFleet().api });
  await page.evaluate((path) => window.mountApp(path), `/a/${appId}`);
  await expect(page.getByRole('region', { name: 'etcd Fleet' })).toBeVisible();
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
    await expect(page.getByRole('listitem')).toHaveText([
      /OK.*Thanos.*works \(0.40.1\)/s,
      /Trouble.*sh.*the token is wrong/s,
    ]);
  });
});
