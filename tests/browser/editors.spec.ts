/** The editors edit plain settings and queries. Only the values that they offer come from a datasource, here a fake. */
import type { Page } from '@playwright/test';

import { fakeFleet } from './fakeFleet.ts';
import { expect, type Host, test } from './hostPage.ts';

const inspections = [{ cluster: 'gz-etcd-default' }, { cluster: 'sh-etcd-small', region: 'sh' }];
const api = fakeFleet({ inspections }).api;
/** A field by its label, to which Grafana appends the field's description. */
const field = (page: Page, label: string) => page.getByLabel(new RegExp(`^${label}(?![a-z])`));
const edited = (page: Page) => page.evaluate(() => window.edited);

test.describe('the configuration', () => {
  const settings = {
    url: '',
    jsonData: {},
    secureJsonData: {},
    secureJsonFields: {},
    basicAuth: false,
    basicAuthUser: '',
    readOnly: false,
  };
  const oneRegion = {
    ...settings,
    url: 'http://thanos-query:9090',
    jsonData: { regions: [{ name: 'gz', url: 'https://gz:6443' }] },
    secureJsonFields: { 'gz.token': true },
  };

  async function open(host: Host, initial: object): Promise<Page> {
    const page = await host.open({ api });
    await page.evaluate((value) => window.mountConfigEditor(value as Record<string, unknown>), initial);
    return page;
  }

  test('takes a new datasource from empty to complete', async ({ host }) => {
    const page = await open(host, settings);
    await expect(page.getByText(/The URL is missing/)).toBeVisible();
    await field(page, 'URL').fill('http://thanos-query:9090');
    await expect(page.getByText(/The URL is missing/)).toBeHidden();

    await page.getByRole('button', { name: 'Add region' }).click();
    await expect(page.getByText(/The name is missing/)).toBeVisible();
    await expect(field(page, 'Token')).toBeDisabled();
    await field(page, 'Name').fill('gz');
    await field(page, 'API URL').fill('https://gz:6443');
    await field(page, 'Token').fill('secret');
    await page.getByRole('radio', { name: 'Admins', exact: true }).check();
    await field(page, 'Query timeout').fill('60');

    await expect
      .poll(() => edited(page))
      .toMatchObject({
        url: 'http://thanos-query:9090',
        jsonData: { regions: [{ name: 'gz', url: 'https://gz:6443' }], minRoleToRun: 'Admin', queryTimeoutSeconds: 60 },
        secureJsonData: { 'gz.token': 'secret' },
      });
    await expect(page.getByRole('alert')).toHaveCount(0);
  });

  test('names the invalid field and the remedy', async ({ host }) => {
    const page = await open(host, oneRegion);
    await field(page, 'URL').fill('thanos-query:9090');
    await expect(page.getByText(/not an http or https URL: enter the address with its scheme/)).toBeVisible();
    await field(page, 'Name').fill('GZ!');
    await expect(page.getByText(/lower-case letters/)).toBeVisible();
    await field(page, 'CA certificate').fill('MIIB');
    await expect(page.getByText(/paste the whole file/)).toBeVisible();
    await field(page, 'Client certificate').fill('-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----');
    await expect(page.getByText(/The client certificate has no key/)).toBeVisible();
    await field(page, 'Query timeout').fill('301');
    await expect(page.getByText(/whole seconds from 1 to 300/)).toBeVisible();
  });

  test('limits what a customer sees, and wants addresses that nobody can use', async ({ host }) => {
    const page = await open(host, oneRegion);
    await expect(field(page, 'Hide internals')).not.toBeChecked();
    await field(page, 'Clusters').fill('gz-orders');
    await field(page, 'Clusters').press('Enter');
    await expect(page.getByText(/The regions are missing/)).toBeVisible();
    await field(page, 'Regions').fill('gz');
    await field(page, 'Regions').press('Enter');
    await expect(page.getByText(/The regions are missing/)).toBeHidden();
    await expect(field(page, 'Hide internals')).toBeChecked();
    await expect(page.getByText(/Remove it.*data proxy/)).toBeVisible();
    await field(page, 'URL').fill('');
    await field(page, 'Secret URL').fill('http://thanos-query:9090');
    await field(page, 'API URL').fill('');
    await field(page, 'Secret API URL').fill('https://gz:6443');
    await expect(page.getByText(/Remove it/)).toHaveCount(0);
    await expect
      .poll(() => edited(page))
      .toMatchObject({
        url: '',
        jsonData: { fixedScope: { region: ['gz'], cluster: ['gz-orders'] }, regions: [{ name: 'gz', url: '' }] },
        secureJsonData: { thanosUrl: 'http://thanos-query:9090', 'gz.url': 'https://gz:6443' },
      });
  });

  test('never shows a stored secret, and resets it', async ({ host }) => {
    const page = await open(host, oneRegion);
    await expect(field(page, 'Token')).toHaveValue('configured');
    await page.getByRole('button', { name: 'Reset' }).click();
    await expect
      .poll(() => edited(page))
      .toMatchObject({
        secureJsonData: { 'gz.token': '' },
        secureJsonFields: { 'gz.token': false },
      });
    await expect(field(page, 'Token')).toHaveValue('');
  });

  test('says that renaming a region clears its secrets', async ({ host }) => {
    const page = await open(host, oneRegion);
    await field(page, 'Name').fill('bj');
    await expect(page.getByText(/Renaming clears the region’s stored secrets/)).toBeVisible();
    await field(page, 'API URL').focus();
    await expect(page.getByText(/The secrets of gz are cleared: enter those of bj/)).toBeVisible();
    await expect
      .poll(() => edited(page))
      .toMatchObject({
        jsonData: { regions: [{ name: 'bj', url: 'https://gz:6443' }] },
        secureJsonData: { 'gz.token': '' },
      });
  });

  test('removes a region with its secrets', async ({ host }) => {
    const page = await open(host, oneRegion);
    await page.getByRole('button', { name: 'Remove region gz' }).click();
    await expect
      .poll(() => edited(page))
      .toMatchObject({ jsonData: { regions: [] }, secureJsonData: { 'gz.token': '' } });
    await expect(page.getByText(/No region yet/)).toBeVisible();
  });

  test('shows a provisioned datasource without letting it be changed', async ({ host }) => {
    const page = await open(host, { ...oneRegion, readOnly: true });
    for (const label of ['URL', 'Name', 'API URL', 'Token', 'CA certificate', 'Query timeout']) {
      await expect(field(page, label)).toBeDisabled();
    }
    await expect(page.getByRole('button', { name: /Add region|Remove region/ })).toHaveCount(0);
  });
});

test.describe('the query editor', () => {
  async function open(host: Host, query: object, editor: 'query' | 'variable' = 'query'): Promise<Page> {
    const page = await host.open({ api });
    await page.evaluate(([value, kind]) => window.mountQueryEditor(value as Record<string, unknown>, kind), [
      query,
      editor,
    ] as const);
    return page;
  }

  async function choose(page: Page, label: string, option: string): Promise<void> {
    await field(page, label).click();
    await page.getByRole('option', { name: option }).click();
    await page.keyboard.press('Escape');
  }

  test('changes the kind and keeps the scope', async ({ host }) => {
    const page = await open(host, { refId: 'A', kind: 'clusters', scope: { region: ['gz'] } });
    await choose(page, 'Query', 'Inspections');
    await expect
      .poll(() => edited(page))
      .toMatchObject({
        refId: 'A',
        kind: 'inspections',
        scope: { region: ['gz'] },
        checks: [],
      });
    await choose(page, 'Query', 'PromQL');
    await expect(field(page, 'Expression')).toBeVisible();
  });

  test('edits an expression and runs it with Shift+Enter', async ({ host }) => {
    const page = await open(host, { refId: 'A', kind: 'promql', expr: '' });
    await field(page, 'Expression').fill('up');
    expect(await page.evaluate(() => window.queryRuns)).toBe(0);
    await page.keyboard.press('Shift+Enter');
    expect(await page.evaluate(() => window.queryRuns)).toBe(1);
    await field(page, 'Min step').fill('soon');
    await expect(page.getByText(/minStep must be a duration/)).toBeVisible();
    await page.getByRole('radio', { name: 'Instant' }).check();
    await expect.poll(() => edited(page)).toMatchObject({ kind: 'promql', expr: 'up', mode: 'instant' });
  });

  test('offers the clusters of the inventory and the dashboard’s variables', async ({ host }) => {
    const page = await open(host, { refId: 'A', kind: 'inspections' });
    await choose(page, 'Cluster', 'sh-etcd-small');
    await choose(page, 'Region', '$region');
    await choose(page, 'Checks', 'etcd-node-key-diff');
    await choose(page, 'Outcomes of the last run', 'Failed');
    await expect
      .poll(() => edited(page))
      .toMatchObject({
        scope: { cluster: ['sh-etcd-small'], region: ['$region'] },
        checks: ['etcd-node-key-diff'],
        outcomes: ['Failed'],
      });
  });

  test('edits which Events are wanted, and as what', async ({ host }) => {
    const page = await open(host, { refId: 'A', kind: 'clusters', scope: { region: ['gz'] } });
    await choose(page, 'Query', 'Events');
    await choose(page, 'Types', 'Warning');
    await choose(page, 'Reasons', 'InspectionFailed');
    await choose(page, 'Format', 'Annotations');
    await expect
      .poll(() => edited(page))
      .toMatchObject({
        kind: 'events',
        scope: { region: ['gz'] },
        types: 'Warning',
        reasons: ['InspectionFailed'],
        format: 'annotations',
      });
  });

  test('refuses a limit out of bounds with the name of the field', async ({ host }) => {
    const page = await open(host, { refId: 'A', kind: 'clusters' });
    await field(page, 'Limit').fill('5000');
    await expect(page.getByText('limit must be a whole number from 1 to 1000')).toBeVisible();
  });

  test('edits a ranking of service levels, with the worst first in its sort order', async ({ host }) => {
    const page = await open(host, { refId: 'A', kind: 'clusters', scope: { product: ['tke'] } });
    await choose(page, 'Query', 'Service levels');
    expect(await edited(page)).toMatchObject({ kind: 'slo', scope: { product: ['tke'] }, sort: 'worst' });
    await choose(page, 'Objectives', 'read-availability');
    await choose(page, 'Window', '1h');
    await choose(page, 'Sort by', 'Burn rate');
    await expect(page.getByText('This ranks the events of every cluster')).toBeHidden();
    await page.getByRole('radio', { name: 'SLI' }).check();
    await expect(page.getByText('This ranks the events of every cluster')).toBeVisible();
    await choose(page, 'Level', 'Scene of a product');
    await expect(page.getByText('This ranks the events of every cluster')).toBeHidden();
    expect(await edited(page)).toMatchObject({
      kind: 'slo',
      level: 'scene',
      by: 'sli',
      objectives: ['read-availability'],
      window: '1h',
      sort: 'burnRate',
      descending: true,
    });
  });

  test('edits a variable: the names of objectives', async ({ host }) => {
    const page = await open(host, { refId: 'v', kind: 'clusters', scope: { region: ['gz'] } }, 'variable');
    await choose(page, 'Values of', 'objective');
    expect(await edited(page)).toMatchObject({
      kind: 'slo',
      distinct: 'objective',
      level: 'region',
      scope: { region: ['gz'] },
    });
  });

  test('edits a variable: a dimension and a scope', async ({ host }) => {
    const page = await open(host, { refId: 'v' }, 'variable');
    await choose(page, 'Values of', 'region');
    await choose(page, 'Product', 'tke');
    await expect
      .poll(() => edited(page))
      .toMatchObject({ kind: 'clusters', distinct: 'region', scope: { product: ['tke'] } });
  });
});
