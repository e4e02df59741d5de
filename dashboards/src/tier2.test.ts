// What the dashboards of tier 2 say of a small fleet, evaluated by Prometheus.
import assert from 'node:assert/strict';
import { test, type TestContext } from 'node:test';
import path from 'node:path';
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';
import { stringify } from 'yaml';
import { capacity, groupCapacity } from '../../slo/generate/capacity.ts';
import { coverage } from '../../slo/generate/coverage.ts';
import { matching } from '../../slo/generate/promql.ts';
import { writeFiles } from '../../slo/files.ts';
import { testRules } from '../../slo/promtool.ts';
import { scratchDirectory } from '../../slo/scratch.ts';
import { dashboards } from './index.ts';

type Labels = Record<string, string>;

const names = ['tier2-business', 'tier2-customers', 'tier2-platform'];
const built = Object.fromEntries(names.map((name) => [name, dashboards[name]()]));

const panelsOf = (dashboard: Dashboard) => (dashboard.panels ?? []).filter(({ type }) => type !== 'row') as Panel[];

interface Target {
  kind: string;
  expr: string;
  legend: string;
}

const targetsOf = (panel: Panel) =>
  ((panel.targets ?? []) as unknown as Target[]).filter(({ kind }) => kind === 'promql');

/** With values for the dashboards' variables and Grafana's. */
const filledIn = (expr: string) =>
  expr
    .replaceAll(/"\$\w+"/g, '".*"')
    .replaceAll('$__range', '1h')
    .replaceAll('$__rate_interval', '1m');

function exprOf(name: string, title: string, legend = 'Value') {
  const panel = panelsOf(built[name]).find((panel) => panel.title === title);
  const target = panel && targetsOf(panel).find((target) => target.legend === legend);
  assert.ok(target, `${name} has no "${title}" with "${legend}"`);
  return filledIn(target.expr);
}

// ------------------------------------------------------------------------------------------------------------ the fleet

const now = 7200; // seconds: Prometheus' tests begin at 0
const hour = 3600;
const day = 24 * hour;

const full = { region: 'gz', product: 'tke', scene: 'big-customer', spec: 'large', cluster: 'one' };
const empty = { region: 'gz', product: 'tke', scene: 'business', spec: 'small', cluster: 'two' };
/** Has the name of another region's cluster, and members without a quota. */
const unlimited = { region: 'sh', product: 'eks', scene: 'business', spec: 'small', cluster: 'one' };
const unseen = { region: 'sh', product: 'eks', scene: 'business', spec: 'small', cluster: 'three' };

const groupOf = ({ cluster: _, ...group }: typeof full) => group;
const series = (name: string, labels: Labels, value: number, before = value) => ({
  series: name + matching(labels),
  values: `${before}x60 ${value}x60`, // a value a minute
});
const inspected = (check: string, metric: string, labels: Labels, value: number) => [
  series('etcd_inspection_last_run_timestamp_seconds', { ...labels, check, instance: 'cruiser' }, now - hour),
  series(metric, { ...labels, check, instance: 'cruiser' }, value),
];

const fleet = [
  ...[full, empty, unlimited, unseen].map((labels) => series('cluster:etcd_members:expected', labels, 3)),
  // Each replica of the operator exposes the inventory.
  ...['operator-0', 'operator-1'].flatMap((instance) => [
    series('etcdfleet_cluster_kubernetes_clusters', { ...full, instance }, 4),
    series('etcdfleet_cluster_kubernetes_clusters', { ...empty, instance }, 0),
    series('etcdfleet_cluster_kubernetes_clusters', { ...unlimited, instance }, 1),
    series('etcdfleet_cluster_kubernetes_clusters', { ...unseen, instance }, 0),
  ]),
  series(capacity.quotaUsed, full, 0.9),
  series(capacity.quotaUsed, empty, 0.1),
  series(capacity.quota, full, 1000),
  series(capacity.quota, empty, 2000),
  series(capacity.size, full, 900),
  series(capacity.size, empty, 200),
  series(capacity.size, unlimited, 300),
  series(capacity.inUse, full, 800, 500),
  series(capacity.inUse, empty, 100, 900),
  series(capacity.inUse, unlimited, 300),
  series(capacity.keys, full, 80),
  series(capacity.keys, empty, 10),
  series(capacity.keys, unlimited, 30),
  series(capacity.descriptorsFree, full, 0.25),
  series(capacity.descriptorsFree, empty, 0.75),
  series(groupCapacity.quota, groupOf(full), 1000),
  series(groupCapacity.quota, groupOf(empty), 2000),
  series(groupCapacity.size, groupOf(full), 900),
  series(groupCapacity.size, groupOf(empty), 200),
  series(capacity.versions, { ...full, server_version: '3.5.21' }, 1),
  series(capacity.versions, { ...full, server_version: '3.6.5' }, 2),
  series(capacity.versions, { ...empty, server_version: '3.6.5' }, 3),
  series(groupCapacity.versions, { ...groupOf(full), server_version: '3.5.21' }, 1),
  series(groupCapacity.versions, { ...groupOf(full), server_version: '3.6.5' }, 2),
  series(groupCapacity.versions, { ...groupOf(empty), server_version: '3.6.5' }, 3),
  ...inspected('key-count-growth', 'etcd_inspection_quota_forecast_seconds', full, 2 * day + hour),
  ...[full, empty].map((labels) => series('etcd_inspection_counted_keys', labels, 80)),
  ...inspected('certificate-expiry', 'etcd_inspection_certificate_expiry_seconds', full, 10 * day + hour),
  ...inspected('backup-age', 'etcd_inspection_backup_age_seconds', full, day),
  series('etcd_inspection_backups', { ...full, check: 'backup-age' }, 3),
  // There is no backup at all: the check measures no age.
  series('etcd_inspection_backups', { ...empty, check: 'backup-age' }, 0),
  series('etcd_inspection_outcome', { ...full, check: 'backup-age', outcome: 'Passed' }, 1),
  series('etcd_inspection_outcome', { ...empty, check: 'backup-age', outcome: 'Failed' }, 1),
  series('etcd_inspection_member_changes', { ...empty, check: 'health-after-change' }, 1),
  series('etcd_inspection_fresh', { ...full, check: 'backup-age' }, 1),
  series('etcd_inspection_fresh', { ...empty, check: 'backup-age' }, 0),
  series(coverage.fresh, { ...groupOf(full), check: 'backup-age' }, 1),
  series(coverage.fresh, { ...groupOf(empty), check: 'backup-age' }, 0),
  series(coverage.expected, groupOf(full), 1),
  series(coverage.expected, groupOf(empty), 1),
];

const one = { region: 'gz', cluster: 'one' };
const two = { region: 'gz', cluster: 'two' };
const tke = { region: 'gz', product: 'tke' };
const eks = { region: 'sh', product: 'eks' };

/** What is known of the fleet: the dashboard, the panel, the column if it has several, and the rows that have a value. */
const cases: Array<[string, string, string, Array<[Labels, number]>]> = [
  ['tier2-business', 'Near the quota', 'Value', [[{}, 1]]],
  ['tier2-business', 'Full within 7 days', 'Value', [[{}, 1]]],
  ['tier2-business', 'Free clusters', 'Value', [[{}, 2]]],
  ...ofTable('tier2-business', 'Enough etcd by region and business', {
    clusters: [
      [tke, 2],
      [eks, 2],
    ],
    'free clusters': [
      [tke, 1],
      [eks, 1],
    ],
    fullest: [[tke, 0.9]],
    'quota left': [[tke, 1900]],
    'room for keys': [[tke, 20 + 190]],
    'connections free': [[tke, 0.25]],
  }),
  [
    'tier2-business',
    'Fewest Kubernetes clusters',
    'Kubernetes',
    [full, empty, unlimited, unseen].map(({ region, spec, cluster }, index) => [
      { region, spec, cluster },
      [4, 0, 1, 0][index],
    ]),
  ],
  ['tier2-business', 'Full first', 'full in', [[{ ...tke, cluster: 'one' }, 2]]],
  ...ofTable('tier2-customers', 'Size and headroom, fullest first', {
    'quota used': [
      [one, 0.9],
      [two, 0.1],
    ],
    'full in': [[one, 2]],
    size: [
      [one, 900],
      [two, 200],
      [{ region: 'sh', cluster: 'one' }, 300],
    ],
    growth: [
      [one, 300],
      [two, -800],
      [{ region: 'sh', cluster: 'one' }, 0],
    ],
  }),
  [
    'tier2-customers',
    'Biggest movers',
    'growth',
    [
      [one, 300],
      [two, -800],
      [{ region: 'sh', cluster: 'one' }, 0],
    ],
  ],
  ['tier2-platform', 'Mixed versions', 'Value', [[{}, 1]]],
  ['tier2-platform', 'Backups due', 'Value', [[{}, 1]]],
  ['tier2-platform', 'Inspection coverage', 'Value', [[{}, 0.5]]],
  ...ofTable('tier2-platform', 'Versions', {
    clusters: [
      [{ server_version: '3.5.21' }, 1],
      [{ server_version: '3.6.5' }, 2],
    ],
    'of members': [
      [{ server_version: '3.5.21' }, 1 / 6],
      [{ server_version: '3.6.5' }, 5 / 6],
    ],
  }),
  ...ofTable('tier2-platform', 'Upgrades and restarts under way', {
    versions: [
      [one, 2],
      [two, 1],
    ],
    changes: [[two, 1]],
  }),
  ['tier2-platform', 'Certificates that end first', 'ends in', [[one, 10]]],
  ...ofTable('tier2-platform', 'Backups, fewest first', {
    newest: [[one, day + hour]],
    young: [
      [one, 3],
      [two, 0],
    ],
  }),
  ...ofTable('tier2-platform', 'Inspection coverage by check', {
    coverage: [[{ check: 'backup-age' }, 0.5]],
    found: [[{ check: 'backup-age' }, 1]],
    errors: [[{ check: 'backup-age' }, 0]],
  }),
];

function ofTable(name: string, title: string, facts: Record<string, Array<[Labels, number]>>): typeof cases {
  return Object.entries(facts).map(([fact, rows]) => [name, title, fact, rows]);
}

async function expectAll(t: TestContext, input: typeof fleet, expected: Array<[string, Array<[Labels, number]>]>) {
  const directory = scratchDirectory(t);
  const asked = expected.map(([expr, rows]) => ({
    expr,
    eval_time: `${now}s`,
    exp_samples: rows.map(([labels, value]) => ({ labels: matching(labels), value })),
  }));
  const tests = [{ interval: '1m', input_series: input, promql_expr_test: asked }];
  writeFiles(directory, { 'tests.yaml': stringify({ rule_files: [], tests }) });
  const { ok, output } = await testRules([path.join(directory, 'tests.yaml')]);
  assert.ok(ok, output);
}

test('tier 2 says what is known of a fleet, and nothing of what is not', async (t) => {
  await expectAll(
    t,
    fleet,
    // What is not known is not a number.
    cases.map(([name, title, fact, rows]) => [`(${exprOf(name, title, fact)}) >= -Inf`, rows])
  );
});

test('a row is there for what nothing is known of', async (t) => {
  const rows = (name: string, title: string, fact: string, count: number): [string, Array<[Labels, number]>] => [
    `count(${exprOf(name, title, fact)})`,
    [[{}, count]],
  ];
  await expectAll(t, fleet, [
    rows('tier2-business', 'Enough etcd by region and business', 'connections free', 2),
    rows('tier2-customers', 'Size and headroom, fullest first', 'quota used', 4),
    rows('tier2-customers', 'Size and headroom, fullest first', 'full in', 4),
    rows('tier2-platform', 'Classes and quotas', 'quota from', 2),
  ]);
});

test('an empty fleet has no figures in tier 2', async (t) => {
  const exprs = names.flatMap((name) => panelsOf(built[name]).flatMap(targetsOf));
  assert.ok(exprs.length > 40);
  await expectAll(
    t,
    [],
    exprs.map(({ expr }) => [filledIn(expr), []])
  );
});

// ------------------------------------------------------------------------------------------------------------ as panels

for (const name of names) {
  test(`${name} has at most 15 panels, each of which says why it is empty`, () => {
    const panels = panelsOf(built[name]);
    assert.ok(panels.length <= 15, `${panels.length} panels`);
    for (const { title, type, fieldConfig, description } of panels) {
      assert.ok(description, title);
      if (type === 'table' || type === 'timeseries') {
        assert.match(fieldConfig?.defaults.noValue ?? '', /\w{4}/, title);
      }
    }
  });
}

/** Pixels that a table has for its columns, 1280 wide with the menu docked, by the grid's columns. */
const room: Record<number, number> = { 24: 930, 12: 452 };

for (const name of names) {
  test(`the columns of ${name} fit`, () => {
    const tables = panelsOf(built[name]).filter(({ type }) => type === 'table');
    for (const { title, fieldConfig, gridPos, transformations } of tables) {
      const { indexByName } = transformations!.find(({ id }) => id === 'organize')!.options as {
        indexByName: Record<string, number>;
      };
      const widthOf = (column: string) => {
        const properties = fieldConfig!.overrides.filter(({ matcher }) => matcher.options === column);
        const widths = properties.flatMap(({ properties }) => properties.filter(({ id }) => /[wW]idth$/.test(id)));
        assert.ok(widths.length > 0, `${title}: the column ${column} has no width`);
        return widths.at(-1)!.value as number;
      };
      const sum = Object.keys(indexByName).reduce((all, column) => all + widthOf(column), 0);
      assert.ok(sum <= room[gridPos!.w], `${title} needs ${sum} px`);
    }
  });
}
