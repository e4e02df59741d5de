/** The SLO workbench. Tests of data use a real fleet. */
import { appId } from '../ids.ts';
import { fakeFleet } from './fakeFleet.ts';
import { type FakeApi, expect, test } from './hostPage.ts';

const workbench = `/a/${appId}/workbench`;

test('shows the real history, and the diff of a candidate threshold', async ({ host }) => {
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

for (const theme of ['dark', 'light'] as const) {
  test(`shows immediately the alerts of a threshold that detects the incident (${theme})`, async ({ host }) => {
    const page = await host.open({ api: slowWrites(), theme });
    await page.evaluate((path) => window.mountApp(path), workbench);
    await page.getByLabel('SLI').fill('put-latency');
    await page.getByRole('option', { name: /put-latency/ }).click();
    const [start, end] = [slowFrom(), slowTo()].map((time) => new Date(time).toISOString());
    await page
      .getByLabel('Incidents')
      .fill(`- { start: ${start}, end: ${end}, scope: { cluster: a }, note: slow disk }`);
    await page.getByRole('button', { name: 'Load' }).click();
    const chart = page.getByRole('img', { name: 'Bad events of put-latency of a' });
    await expect(chart.locator('path.line')).toHaveAttribute('d', /^M[^M]+L[^M]+$/); // without gaps
    const figures = page.getByLabel('Figures of write-availability');
    await expect(figures).toContainText('0 % (0/1)');
    await page.getByRole('slider').focus();
    await page.keyboard.press('ArrowLeft');
    await expect(page.getByText('Threshold of put-latency: 100ms')).toBeVisible();
    await expect(figures).toContainText('100 % (1/1)');
    await expect(page.getByLabel('Diff')).toContainText('+      put-latency: 100ms');
  });
}

const slowFrom = () => Math.floor(Date.now() / 60_000) * 60_000 - 2 * 3_600_000;
const slowTo = () => slowFrom() + 1_800_000;

/** A third of the writes to one cluster take 100 to 250 ms for half an hour. */
function slowWrites(): FakeApi {
  const fleet = fakeFleet({ inspections: [{ cluster: 'a' }] });
  const labels = { region: 'gz', product: 'p', scene: 's', spec: 'default', cluster: 'a' };
  return (route, url) => {
    const body = url.pathname.endsWith('/ds/query') ? route.request().postDataJSON() : undefined;
    const query = body?.queries[0];
    if (query?.kind !== 'promql') {
      return fleet.api(route, url);
    }
    const isRaw = query.expr.includes('grpc_method="Put"') && !query.expr.includes('handled_total');
    // As in Grafana's backend, whose default for maxDataPoints is 100.
    const step = Math.max(60_000, Math.ceil((body.to - body.from) / (query.maxDataPoints ?? 100) / 1000) * 1000);
    const [from, to] = [Number(body.from), Number(body.to)].map((time) => Math.floor(time / step) * step);
    const times = isRaw ? Array.from({ length: (to - from) / step + 1 }, (_, index) => from + index * step) : [];
    const bad = (time: number) =>
      time >= slowFrom() && time < slowTo() && /le=~"0\.(05|1)"/.test(query.expr) ? 40 : 0;
    const values = times.map((time) => (query.expr.startsWith('clamp_min') ? bad(time) : 120));
    const fields = isRaw
      ? [
          { name: 'Time', type: 'time' },
          { name: 'Value', type: 'number', labels },
        ]
      : [];
    const frame = { schema: { fields }, data: { values: isRaw ? [times, values] : [] } };
    return route.fulfill({ json: { results: { [query.refId]: { status: 200, frames: [frame] } } } });
  };
}

test('points to the error in a list of incidents', async ({ host }) => {
  const page = await host.open({ api: fakeFleet().api });
  await page.evaluate((path) => window.mountApp(path), workbench);
  await page.getByLabel('Incidents').fill('- start: yesterday\n');
  await expect(page.getByText(/incidents:1: 0\.start: yesterday is not a time/)).toBeVisible();
});

test('says what to do without a datasource', async ({ host }) => {
  const page = await host.open({ api: fakeFleet().api, datasources: [] });
  await page.evaluate((path) => window.mountApp(path), workbench);
  await expect(page.getByText('No etcd Fleet datasource yet')).toBeVisible();
});
