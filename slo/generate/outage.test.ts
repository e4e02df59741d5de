// How soon a dead cluster pages, with the intervals of the lab, and where a notification leads.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import path from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { dashboardUids } from '../../src/ids.ts';
import { writeFiles } from '../files.ts';
import { changeDeployment, loadDefinitions } from '../model/definitions.ts';
import { testRules } from '../promtool.ts';
import { scratchDirectory } from '../scratch.ts';
import { ruleFiles, ruleTexts } from './files.ts';
import { matching } from './promql.ts';
import { yamlText } from './rules.ts';

const [scrape, step] = [5, 10];
const definitions = changeDeployment(loadDefinitions(), { scrapeInterval: `${scrape}s`, step: `${step}s` });
const root = path.resolve(import.meta.dirname, '../..');

/** Seconds of quiet before everything dies, and of what comes then. */
const quiet = 900;
const dead = 60;

test('a dead cluster pages within 60 s and its reads and writes burn, by its last member or by cruiser alone', async (t) => {
  const then = (well: string, ill: string) => `${well}x${quiet / scrape - 1} ${ill}`;
  const rest = dead / scrape;
  const series = (cluster: string, name: string, labels: Record<string, string>, values: string) => ({
    series: name + matching({ region: 'gz', product: 'p', scene: 's', spec: 'default', cluster, ...labels }),
    values,
  });
  const of = (cluster: string, { survivor, answers }: { survivor: boolean; answers: '0' | '1' }) => [
    series(cluster, 'etcdfleet_cluster_members', {}, then('3', `3x${rest}`)),
    // Cruiser reads every 15 s and notices as late as that.
    series(cluster, 'etcdfleet_probe_success', {}, then('1', `1x2 ${answers}x${rest}`)),
    series(cluster, 'etcdfleet_probe_timestamp_seconds', {}, `0+${scrape}x${(quiet + dead) / scrape}`),
    ...[0, 1, 2].flatMap((index) => {
      const survives = survivor && index === 0;
      const member = { member: `etcd-${index}` };
      const requests = (grpc_method: string, served: number) =>
        series(
          cluster,
          'grpc_server_started_total',
          { ...member, grpc_method },
          then(`1e6+${served}`, survives ? `${1e6 + served * (quiet / scrape)}x${rest}` : 'stale')
        );
      return [
        series(cluster, 'up', { job: 'etcd', ...member }, then('1', `${Number(survives)}x${rest}`)),
        // It takes an election's time-out until the survivor misses its leader.
        series(cluster, 'etcd_server_has_leader', member, then('1', survives ? `1 0x${rest}` : 'stale')),
        requests('Range', 20),
        requests('Txn', 8),
      ];
    }),
  ];
  const rules = { ...ruleTexts(definitions, [], 'test') };
  const paging = 'count by (cluster, objective) (ALERTS{alertstate="firing",alertname="EtcdErrorBudgetBurnFast"})';
  const burning =
    'count by (cluster, objective) (cluster:etcd_slo_burn_rate:ratio5m{objective=~".+-availability"} > 5)';
  const ofDead = (objectives: string[]) =>
    ['last-member', 'nothing-scraped'].flatMap((cluster) =>
      objectives.map((objective) => ({ labels: matching({ cluster, objective }), value: 1 }))
    );
  const file = {
    rule_files: Object.keys(ruleFiles(definitions)),
    evaluation_interval: `${step}s`,
    group_eval_order: Object.values(ruleFiles(definitions)).flatMap(({ groups }) => groups.map(({ name }) => name)),
    tests: [
      {
        name: 'a dead cluster',
        interval: `${scrape}s`,
        input_series: [
          ...of('last-member', { survivor: true, answers: '0' }),
          ...of('nothing-scraped', { survivor: false, answers: '0' }),
          ...of('scrapes-broken', { survivor: false, answers: '1' }),
        ],
        promql_expr_test: [
          { expr: paging, eval_time: `${quiet}s`, exp_samples: [] },
          {
            expr: `${paging.replace('"}', '",objective!="data-quality"}')}`,
            eval_time: `${quiet + dead}s`,
            exp_samples: ofDead(['etcd-availability']),
          },
          {
            expr: burning,
            eval_time: `${quiet + dead}s`,
            exp_samples: ofDead(['etcd-availability', 'read-availability', 'write-availability']),
          },
        ],
      },
    ],
  };
  const directory = scratchDirectory(t);
  writeFiles(directory, { ...rules, 'outage.yaml': yamlText(file, 'a test', 'test') });
  const { ok, output } = await testRules([path.join(directory, 'outage.yaml')]);
  assert.ok(ok, output);
});

test('a notification leads to the time at which its alert began', async (t) => {
  const cluster = `https://grafana/d/${dashboardUids.cluster}?var-region=gz`;
  const links = { dashboard_url: cluster, panel_url: `${cluster}&viewPanel=panel-1` };
  const [nine, eleven] = ['09', '11'].map((hour) => Date.parse(`2026-07-01T${hour}:00:00Z`));
  assert.deepEqual(
    await notified(t, ['firing', 'resolved'], links),
    ['now', eleven].flatMap((to) => {
      const time = `&from=${nine}&to=${to}`;
      return [`${cluster}${time}`, `${cluster}&viewPanel=panel-1${time}`];
    })
  );
});

test('a notification’s links keep names as they are encoded', async (t) => {
  const encoded = `https://grafana/d/x?var-cluster=${encodeURIComponent('a & b # / " ü')}`;
  const [link] = await notified(t, ['firing'], { dashboard_url: encoded });
  assert.equal(new URL(link).searchParams.get('var-cluster'), 'a & b # / " ü');
  assert.equal(new URL(link).searchParams.get('to'), 'now');
});

test('a notification of a rule of somebody else’s has the time too, or no link', async (t) => {
  const [link] = await notified(t, ['firing'], { dashboard_url: 'https://grafana/d/x' });
  assert.match(link, /^https:\/\/grafana\/d\/x\?from=\d+&to=now$/);
  assert.deepEqual(await notified(t, ['firing'], {}), []);
});

/** Renders the links of alerts of one hour with these annotations. */
async function notified(t: TestContext, statuses: string[], annotations: Record<string, string>): Promise<string[]> {
  const directory = scratchDirectory(t);
  const alerts = statuses.map((status) => ({
    status,
    annotations,
    startsAt: '2026-07-01T10:00:00Z',
    endsAt: '2026-07-01T11:00:00Z',
  }));
  writeFiles(directory, { 'data.json': JSON.stringify({ alerts }) });
  const { stdout } = await promisify(execFile)(path.resolve(root, process.env.ETCDFLEET_BIN || '.lab/bin', 'amtool'), [
    'template',
    'render',
    `--template.glob=${path.join(root, 'deploy/alertmanager/*.tmpl')}`,
    '--template.text={{ range .Alerts }}{{ template "etcdfleet.dashboard" . }} {{ template "etcdfleet.panel" . }} {{ end }}',
    `--template.data=${path.join(directory, 'data.json')}`,
  ]);
  return stdout.split(/\s+/).filter(Boolean);
}
