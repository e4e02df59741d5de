/** The page of one cluster. */
import type { Page } from '@playwright/test';

import { appId, dashboardUids, datasourceUid } from '../ids.ts';
import { type FakeAnswers, fakeFleet } from './fakeFleet.ts';
import { expect, type Host, test } from './hostPage.ts';

const odd = 'a&b#"1/北';

async function open(host: Host, answers: FakeAnswers, query: Record<string, string>, width = 1280): Promise<Page> {
  const page = await host.open({ api: fakeFleet(answers).api });
  await page.setViewportSize({ width, height: 800 });
  const address = `/a/${appId}/cluster?${new URLSearchParams(query).toString()}`;
  await page.evaluate((path) => window.mountApp(path), address);
  return page;
}

const one = { datasource: datasourceUid, region: 'gz', cluster: odd };
const panel = (page: Page, title: string) => page.getByTestId(`data-testid Panel header ${title}`);
const diagnosis = (page: Page) => page.getByRole('region', { name: 'Diagnosis' });
const addressOf = (href: string | null) => new URL(href ?? '', 'http://grafana');

const slowDisk = {
  ...{ region: 'gz', cluster: odd, severity: 'Degraded', suspect: 'slow disk', member: 'm0', host: 'gz-node-0' },
  statement: 'The disk of host gz-node-0 is slow.',
  hostVariables: 'var-host=gz-node-0',
  since: Date.now() - 120_000,
  action: 'Give the host to whoever runs it.',
  check: 'etcd-node-key-diff',
  kubernetes: 'tke-1, tke/2',
  evidence: [{ text: 'fsync of m0 takes 200 ms', expr: 'fsync{cluster="x"}' }],
};
const certificate = {
  ...{ region: 'gz', cluster: odd, severity: 'AtRisk', suspect: 'certificate' },
  statement: 'A certificate expires in 9 days.',
  evidence: [{ text: 'certificate-expiry warns', check: 'certificate-expiry' }],
};

test('says first what is wrong, since when, where and who suffers, with the next actions', async ({ host }) => {
  const page = await open(host, { findings: [slowDisk, certificate], inspections: [{ cluster: odd }] }, one);
  await expect(page.getByRole('heading', { level: 1, name: odd })).toBeVisible();
  await expect(page.getByRole('heading', { level: 2, name: slowDisk.statement })).toBeInViewport();
  await expect(diagnosis(page)).toContainText(/Degraded.*since 2 minutes ago.*Member: m0.*Host: gz-node-0/s);
  await expect(diagnosis(page)).toContainText('Next: Give the host to whoever runs it.');
  const kubernetes = await diagnosis(page).getByRole('link', { name: 'tke/2' }).getAttribute('href');
  expect(addressOf(kubernetes).pathname).toBe(`/d/${dashboardUids.fromKubernetes}`);
  expect(addressOf(kubernetes).searchParams.get('var-kubernetes')).toBe('tke/2');
  const hosts = await diagnosis(page).getByRole('link', { name: 'What else is on gz-node-0' }).getAttribute('href');
  expect(addressOf(hosts).searchParams.get('var-host')).toBe('gz-node-0');
  const evidence = await diagnosis(page).getByRole('link', { name: 'fsync of m0' }).getAttribute('href');
  expect(addressOf(evidence).searchParams.get('panes')).toContain('fsync{cluster=\\"x\\"}');
  const others = page.getByRole('list', { name: 'Other findings' });
  await expect(others).toContainText(/AtRisk.*A certificate expires in 9 days.*certificate-expiry warns/s);
  const tier3 = await page.getByRole('link', { name: 'Dashboard' }).getAttribute('href');
  expect(Object.fromEntries(addressOf(tier3).searchParams)).toEqual({
    ...{ 'var-datasource': datasourceUid, 'var-region': 'gz', 'var-cluster': odd },
  });
});

test('runs the inspection that a finding names, and follows it', async ({ host }) => {
  const fleet = fakeFleet({ findings: [slowDisk], inspections: [{ cluster: odd }] });
  const page = await host.open({ api: fleet.api });
  await page.evaluate((path) => window.mountApp(path), `/a/${appId}/cluster?${new URLSearchParams(one).toString()}`);
  const run = diagnosis(page).getByRole('button', { name: 'Run etcd-node-key-diff' });
  await expect(run).toBeEnabled();
  await expect(diagnosis(page)).toContainText('Passed a minute ago: nodeKeyDiff is 0');
  await run.focus();
  await page.keyboard.press('Enter');
  await expect(diagnosis(page)).toContainText('queued …');
  expect(fleet.runs).toEqual([{ region: 'gz', cluster: odd, check: 'etcd-node-key-diff' }]);
});

test('asks again every 30 seconds, and the focus stays where it is', async ({ host, page }) => {
  await page.clock.install();
  const fleet = fakeFleet({ findings: [slowDisk], inspections: [{ cluster: odd }] });
  await host.open({ api: fleet.api });
  await page.evaluate((path) => window.mountApp(path), `/a/${appId}/cluster?${new URLSearchParams(one).toString()}`);
  const run = diagnosis(page).getByRole('button', { name: 'Run etcd-node-key-diff' });
  await expect(run).toBeEnabled();
  await run.focus();
  fleet.answers.findings = [{ ...slowDisk, severity: 'Failing', statement: 'No quorum.' }];
  await page.clock.fastForward(31_000);
  await expect(page.getByRole('heading', { name: 'No quorum.' })).toBeVisible();
  await expect(run).toBeFocused();
});

test.describe('a viewer', () => {
  test('is told why no run can be asked for', async ({ host }) => {
    const permission = { body: { allowed: false, reason: 'Only Editors may run inspections.' } };
    const page = await open(host, { findings: [slowDisk], inspections: [{ cluster: odd }], permission }, one);
    const run = diagnosis(page).getByRole('button', { name: 'Run etcd-node-key-diff' });
    await expect(run).toBeDisabled();
    await run.hover();
    await expect(page.getByRole('tooltip')).toContainText('Only Editors may run inspections.');
  });
});

test('shows objectives, members with host and zone, alerts, Kubernetes clusters and inspections', async ({ host }) => {
  const series: FakeAnswers['series'] = (expr) => {
    const strings = (name: string, ...values: string[]) => ({ name, type: 'string' as const, values });
    const numbers = (name: string, ...values: number[]) => ({ name, type: 'number' as const, values });
    if (expr.includes('ALERTS')) {
      return [strings('alertname', 'EtcdSLOBurn'), numbers('since', Date.now() - 60_000)];
    }
    if (expr.includes('etcdfleet_member_info')) {
      return [strings('member', 'm0'), strings('host', 'gz-node-0'), strings('zone', 'gz-a'), numbers('known', 1)];
    }
    if (expr.includes('etcd_server_is_leader')) {
      return [strings('member', 'm0'), numbers('leader', 1)];
    }
    return expr.includes('by (kubernetes_cluster)')
      ? [strings('kubernetes_cluster', 'tke/2'), numbers('requests', 5)]
      : [];
  };
  const levels: FakeAnswers['levels'] = [
    { name: 'objective', type: 'string', values: ['read-availability'] },
    { name: 'budgetLeft', type: 'number', values: [0.25] },
    { name: 'burnRate', type: 'number', values: [3] },
  ];
  const page = await open(host, { series, levels, inspections: [{ cluster: odd }] }, one);
  await expect(panel(page, 'Objectives')).toContainText(/read-availability.*0\.25.*3/s);
  await expect(panel(page, 'Members')).toContainText(/m0.*gz-node-0.*gz-a/s);
  await expect(panel(page, 'Inspections')).toContainText('etcd-node-key-diff');
  const alert = await panel(page, 'Alerts').getByRole('link', { name: 'EtcdSLOBurn' }).getAttribute('href');
  const [query] = JSON.parse(addressOf(alert).searchParams.get('panes') ?? '').a.queries;
  expect(query.expr).toBe('ALERTS{alertname="EtcdSLOBurn",region="gz",cluster="a&b#\\"1/北"}');
  const kubernetes = await panel(page, 'Kubernetes clusters on it').getByRole('link').getAttribute('href');
  expect(Object.fromEntries(addressOf(kubernetes).searchParams)).toMatchObject({
    ...{ 'var-region': 'gz', 'var-kubernetes': 'tke/2', 'var-datasource': datasourceUid },
  });
});

test('asks for the cluster of the address, whatever its name', async ({ host }) => {
  const asked: any[] = [];
  const fleet = fakeFleet();
  const page = await host.open({
    api: (route, url) => {
      asked.push(...(url.pathname.endsWith('/ds/query') ? route.request().postDataJSON().queries : []));
      return fleet.api(route, url);
    },
  });
  await page.evaluate((path) => window.mountApp(path), `/a/${appId}/cluster?${new URLSearchParams(one).toString()}`);
  await expect(panel(page, 'Members')).toContainText('none has a series');
  const ofKind = (kind: string) => asked.filter((query) => query.kind === kind);
  expect(ofKind('diagnosis').map(({ scope }) => scope)).toEqual([{ region: ['gz'], cluster: [odd] }]);
  expect(ofKind('promql').filter(({ expr }) => !expr.includes('region="gz",cluster="a&b#\\x221/北"'))).toEqual([]);
  expect(ofKind('slo')).toMatchObject([{ level: 'cluster', scope: { region: ['gz'], cluster: [odd] } }]);
});

test('says that a cluster is not in the inventory, and goes on with what its series show', async ({ host }) => {
  const notice = 'gz-etcd-9 is not in the inventory of gz.';
  const finding = {
    ...certificate,
    cluster: 'gz-etcd-9',
    severity: 'Blind',
    statement: 'Not known: gz-etcd-9 has no series.',
  };
  const answers = { findings: [finding], notices: [notice] };
  const page = await open(host, answers, { ...one, cluster: 'gz-etcd-9' });
  await expect(diagnosis(page).getByText(notice)).toBeVisible();
  await expect(page.getByRole('heading', { level: 2, name: 'Not known: gz-etcd-9 has no series.' })).toBeVisible();
  await expect(page.getByLabel('Cluster', { exact: true })).toHaveValue('gz-etcd-9');
  await expect(panel(page, 'Alerts')).toContainText('No alert about this cluster is known to fire.');
});

test('says why nothing is known when the datasource fails, and no panel claims that there is nothing', async ({
  host,
}) => {
  const page = await open(host, { queryError: 'Nothing listens at http://thanos.' }, one);
  await expect(diagnosis(page)).toContainText(/The diagnosis failed.*Nothing listens at http:\/\/thanos/s);
  for (const title of ['Objectives', 'Members', 'Alerts', 'Kubernetes clusters on it', 'Inspections']) {
    await expect(panel(page, title)).toContainText('Nothing listens at http://thanos.');
  }
  await expect(page.getByText('No alert about this cluster is known to fire.')).toHaveCount(0);
});

test('without a cluster it asks for one, and opens what is chosen', async ({ host }) => {
  const inspections = [{ cluster: 'gz-1' }, { cluster: odd, region: 'sh' }];
  const page = await open(host, { inspections, findings: [slowDisk] }, {});
  await expect(page.getByText('Choose a cluster', { exact: true })).toBeVisible();
  await expect(page.getByLabel('Cluster', { exact: true })).toBeDisabled();
  await page.getByLabel('Region', { exact: true }).click();
  await page.getByRole('option', { name: 'sh' }).click();
  await page.getByLabel('Cluster', { exact: true }).click();
  await page.getByRole('option', { name: odd }).click();
  await expect(page.getByRole('heading', { level: 1, name: odd })).toBeVisible();
  await expect(page.getByRole('heading', { level: 2, name: slowDisk.statement })).toBeVisible();
});

test('names a datasource that is not there', async ({ host }) => {
  const page = await open(host, {}, { ...one, datasource: 'gone' });
  await expect(page.getByText('There is no etcd Fleet datasource gone')).toBeVisible();
  await expect(page.getByLabel('Datasource', { exact: true })).toBeEnabled();
});

for (const theme of ['dark', 'light'] as const) {
  test(`needs no horizontal scrolling at 1280 px (${theme})`, async ({ host }) => {
    const long = { ...slowDisk, statement: `${'very-long-name-'.repeat(20)} is slow.` };
    const page = await host.open({ api: fakeFleet({ findings: [long], inspections: [{ cluster: odd }] }).api, theme });
    await page.setViewportSize({ width: 1280, height: 800 });
    await page.evaluate((path) => window.mountApp(path), `/a/${appId}/cluster?${new URLSearchParams(one).toString()}`);
    await expect(page.getByRole('heading', { name: long.statement })).toBeVisible();
    await expect(panel(page, 'Members')).toBeVisible();
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(1280);
  });
}
