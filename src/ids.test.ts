import { readFileSync } from 'fs';
import path from 'path';
import { parse } from 'yaml';

import { appId, dashboardUids, datasourceType, datasourceUid, inspectionsPanelType, thanosDatasourceUid } from './ids';

const root = path.resolve(__dirname, '..');
const text = (file: string) => readFileSync(path.join(root, file), 'utf8');
const json = (file: string) => JSON.parse(text(file));

it.each([
  ['src/plugin.json', appId],
  ['src/datasource/plugin.json', datasourceType],
  ['src/panels/inspections/plugin.json', inspectionsPanelType],
])('%s has the id %s', (file, id) => expect(json(file).id).toBe(id));

it('the app includes every dashboard by its uid', () => {
  const included: Array<{ type: string; path: string; uid: string }> = json('src/plugin.json').includes;
  const dashboards = included.filter(({ type }) => type === 'dashboard');
  expect(dashboards.map(({ uid }) => uid)).toEqual(Object.values(dashboardUids));
  expect(dashboards.map((dashboard) => json(dashboard.path).uid)).toEqual(Object.values(dashboardUids));
});

it('the app includes every nested plugin by the path of its plugin.json', () => {
  const included: Array<{ type: string; path: string }> = json('src/plugin.json').includes;
  const nested = included.filter(({ type }) => type === 'datasource' || type === 'panel');
  expect(nested.map((plugin) => json(`src/${plugin.path}`).id)).toEqual([datasourceType, inspectionsPanelType]);
});

it('the provisioned app and datasource are ours, beside a Prometheus datasource on the same Thanos', () => {
  expect(parse(text('provisioning/plugins/etcd-fleet.yaml')).apps).toMatchObject([{ type: appId }]);
  const { datasources } = parse(text('provisioning/datasources/etcd-fleet.yaml'));
  expect(datasources).toMatchObject([
    { type: datasourceType, uid: datasourceUid, isDefault: false },
    { type: 'prometheus', uid: thanosDatasourceUid, isDefault: false, jsonData: { manageAlerts: true } },
  ]);
  expect(datasources[1].url).toBe(datasources[0].url);
});

it('the dashboards offer no other datasource than ours', () => {
  const included: Array<{ type: string; path: string }> = json('src/plugin.json').includes;
  const dashboards = included.filter(({ type }) => type === 'dashboard');
  const pickers = dashboards.flatMap((dashboard) =>
    json(dashboard.path).templating.list.filter(({ type }: { type: string }) => type === 'datasource')
  );
  expect(pickers).toHaveLength(dashboards.length);
  expect([...new Set(pickers.map(({ query }) => query))]).toEqual([datasourceType]);
});

it('alerts link to the provisioned datasource', () => {
  expect(parse(text('slo/definitions/deployment.yaml')).datasource).toBe(datasourceUid);
});

it.each(['docker-compose.yaml', 'README.md', 'src/README.md'])('%s allows every plugin without a signature', (file) => {
  expect(text(file)).toContain([appId, datasourceType, inspectionsPanelType].join(','));
});
