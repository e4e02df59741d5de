import { locationService } from '@grafana/runtime';
import { readFileSync } from 'fs';
import path from 'path';

import { templatesWith } from '../datasource/templateTesting';
import { appId, dashboardUids, inspectionsPanelType } from '../ids';
import { plugin } from '../module';
import { inspectionsPanelKey } from './addresses';
import type { LinkContext } from './context';
import { links } from './links';

jest.mock('@grafana/runtime', () => ({
  getTemplateSrv: () => templatesWith(),
  locationService: { push: jest.fn() },
}));

const json = (file: string) => JSON.parse(readFileSync(path.resolve(__dirname, '../..', file), 'utf8'));
const pushed = jest.mocked(locationService.push);

beforeEach(() => pushed.mockClear());

const strange = 'gz & etcd # 3 / "ü"';
const instance = { labels: { region: 'gz', cluster: strange, spec: 'large' }, activeAt: '2026-07-01T10:00:00Z' };

/** Where a link leads, undefined when it is hidden. */
function destination(title: string, context?: LinkContext): URL | undefined {
  const link = links.find((candidate) => candidate.title === title)!;
  const configured = link.configure ? link.configure(context) : {};
  if (!configured) {
    return undefined;
  }
  const to = configured.path ?? link.path;
  if (!to) {
    const helpers = { context, openModal: jest.fn(), openSidebar: jest.fn(), closeSidebar: jest.fn() };
    link.onClick!(undefined, helpers);
  }
  return new URL(to ?? String(pushed.mock.calls[0][0]), 'https://grafana');
}

it('plugin.json declares the links that the app adds, word for word', () => {
  const added = links.map(({ title, description, targets }) => ({ title, description, targets: [targets].flat() }));
  expect(json('src/plugin.json').extensions.addedLinks).toEqual(added);
  expect(plugin.addedLinkConfigs).toEqual(links);
});

it('no place has more links than Grafana shows of a plugin', () => {
  for (const place of new Set(links.flatMap(({ targets }) => targets))) {
    expect(links.filter(({ targets }) => targets.includes(place)).length).toBeLessThanOrEqual(3);
  }
});

const ofCluster = links.filter(({ configure }) => configure).map(({ title }) => title);

it.each(ofCluster)('“%s” is hidden where no cluster is named', (title) => {
  expect(destination(title, undefined)).toBeUndefined();
  expect(destination(title, { targets: [] })).toBeUndefined();
  expect(destination(title, { instance: { labels: { cluster: 'kubernetes' } } })).toBeUndefined();
});

it.each([
  ['Diagnose etcd cluster', `/a/${appId}/cluster`, ''],
  ['etcd cluster dashboard', `/d/${dashboardUids.cluster}`, 'var-'],
  ['Who suffers from etcd', `/d/${dashboardUids.toKubernetes}`, 'var-'],
  ['Run etcd inspection', `/d/${dashboardUids.cluster}`, 'var-'],
])('“%s” leads to %s with cluster and time, whatever the name', (title, page, prefix) => {
  const { pathname, searchParams } = destination(title, { instance })!;
  expect(pathname).toBe(page);
  expect(Object.fromEntries(searchParams)).toMatchObject({
    [`${prefix}datasource`]: 'etcdfleet',
    [`${prefix}region`]: 'gz',
    [`${prefix}cluster`]: strange,
    from: String(Date.parse('2026-07-01T09:00:00Z')),
    to: 'now',
  });
});

it('a dashboard offers no link to itself', () => {
  const context = { instance, dashboard: { uid: dashboardUids.cluster } };
  expect(destination('etcd cluster dashboard', context)).toBeUndefined();
  expect(destination('Who suffers from etcd', context)).toBeDefined();
});

it('inspections are run in the panel of the dashboard of a cluster', () => {
  const panels = json('dashboards/tier3-cluster.json').panels.flatMap((panel: { panels?: object[] }) => [
    panel,
    ...(panel.panels ?? []),
  ]);
  const keys = panels
    .filter(({ type }: { type: string }) => type === inspectionsPanelType)
    .map(({ id }: { id: number }) => `panel-${id}`);
  expect(keys).toEqual([inspectionsPanelKey]);
  const { searchParams } = destination('Run etcd inspection', { instance })!;
  expect(searchParams.get('viewPanel')).toBe(inspectionsPanelKey);
});

it('the palette leads to what is wrong now', () => {
  expect(destination('etcd clusters: what is wrong now')!.pathname).toBe(`/a/${appId}/fleet`);
});
