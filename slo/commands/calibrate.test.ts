// The whole command on real blocks, read by a real Prometheus: slow writes that the present threshold does not see.
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { randomNumbers } from '../calibrate/pretended.ts';
import { matching } from '../generate/promql.ts';
import { run } from '../promtool.ts';
import { root, serverThatAnswers, slo } from './testing.ts';

const scratch = mkdtempSync(path.join(tmpdir(), 'etcdfleet-calibrate-'));
const blocks = path.join(scratch, 'blocks');
const incidentFile = path.join(scratch, 'incidents.yaml');
after(() => rmSync(scratch, { recursive: true, force: true }));

const begin = Date.parse('2026-07-01T00:00:00Z') / 1000;
const hours = 10;
const scrape = 30;
/** Hours after the beginning in which a third of the writes to a cluster take 100 to 250 ms. */
const slow = [
  { cluster: 'slow', from: 3, to: 3.5 },
  { cluster: 'slow', from: 7, to: 7.4 },
];

before(async () => {
  const metrics = path.join(scratch, 'metrics.txt');
  writeFileSync(metrics, openMetrics());
  const { ok, output } = await run('promtool', ['tsdb', 'create-blocks-from', 'openmetrics', metrics, blocks]);
  assert.ok(ok, output);
  const iso = (hour: number) => new Date((begin + hour * 3600) * 1000).toISOString();
  writeFileSync(
    incidentFile,
    slow
      .map(
        ({ cluster, from, to }) =>
          `- { start: ${iso(from)}, end: ${iso(to)}, scope: { cluster: ${cluster} }, note: slow disk }\n`
      )
      .join('')
  );
});

/** Two clusters with one write in eight above 50 ms at all times, of which one has slow half-hours. */
function openMetrics(): string {
  const random = randomNumbers(5);
  const edges = ['0.05', '0.1', '0.25', '0.5', '+Inf'];
  const lines = new Map<string, string[]>();
  const add = (name: string, labels: Record<string, string>, time: number, value: number) => {
    const family = name.replace(/_(bucket|count)$/, '');
    const series = `${name}${matching(labels)} ${value} ${time}`;
    lines.set(family, [...(lines.get(family) ?? []), series]);
  };
  const bySeries = new Map<string, Array<() => void>>();
  for (const cluster of ['slow', 'other']) {
    const labels = { region: 'gz', product: 'p', scene: 's', spec: 'default', cluster };
    const counts = [0, 0, 0, 0, 0];
    for (let time = begin; time <= begin + hours * 3600; time += scrape) {
      const isSlow = slow.some(
        (of) => of.cluster === cluster && time >= begin + of.from * 3600 && time < begin + of.to * 3600
      );
      for (let request = 0; request < 60; request++) {
        const bucket = isSlow && random() < 0.33 ? 2 : random() < 0.12 ? 1 : 0;
        counts[bucket]++;
      }
      const later = (name: string, more: Record<string, string>, value: number) => {
        const key = name + JSON.stringify({ ...labels, ...more });
        bySeries.set(key, [...(bySeries.get(key) ?? []), () => add(name, { ...labels, ...more }, time, value)]);
      };
      let total = 0;
      edges.forEach((le, index) => {
        total += counts[index];
        later('grpc_server_handling_seconds_bucket', { grpc_method: 'Put', member: 'm0', le }, total);
      });
      later('grpc_server_handling_seconds_count', { grpc_method: 'Put', member: 'm0' }, total);
      later('up', { job: 'etcd', member: 'm0' }, 1);
      later('etcd_server_has_leader', { member: 'm0' }, 1);
      later('etcdfleet_cluster_members', {}, 1);
    }
  }
  for (const samples of bySeries.values()) {
    samples.forEach((write) => write());
  }
  const types: Record<string, string> = { grpc_server_handling_seconds: 'histogram' };
  const families = [...lines].map(
    ([name, samples]) => `# TYPE ${name} ${types[name] ?? 'gauge'}\n${samples.join('\n')}`
  );
  return `${families.join('\n')}\n# EOF\n`;
}

const calibrate = (...args: string[]) => slo('calibrate', ...args);

const deployment = ['--scrape-interval', '30s', '--step', '1m'];
const evidence = () => ['--blocks', blocks, '--incidents', incidentFile, ...deployment];

test('the search finds the threshold that detects the incidents, and the diff to commit', async () => {
  const html = path.join(scratch, 'report.html');
  const { code, stdout, stderr } = await calibrate(...evidence(), '--propose', 'put-latency', '--json', '--html', html);
  assert.equal(code, 0, stderr);
  const report = JSON.parse(stdout);
  const [present] = report.definitions;
  assert.equal(present.clusters, 2);
  assert.deepEqual([present.pages.incidents, present.pages.detected], [2, 0]);
  assert.equal(present.incidents[0].nearest[0].share, 0); // at 250 ms nothing is slow

  const curve = report.proposal.curves.find(({ name }: { name: string }) => name === 'put-latency of class default');
  const point = (value: string) => curve.points.find((of: { value: string }) => of.value === value);
  assert.equal(curve.points[curve.recommended].value, '100ms');
  assert.deepEqual([point('100ms').figures.precision, point('100ms').figures.recall], [1, 1]);
  assert.deepEqual([point('250ms').figures.recall, point('250ms').isPresent], [0, true]);
  assert.ok(point('100ms').figures.timeToDetect.max < 1200);

  assert.equal(report.proposal.after.pages.detected, 2);
  assert.match(report.proposal.diff, /^--- a\/slo\/definitions\/classes\.yaml\n/);
  assert.match(report.proposal.diff, /\n-      put-latency: 250ms\n\+      put-latency: 100ms\n/);

  const page = readFileSync(html, 'utf8');
  assert.match(page, /<svg class="chart"/);
  assert.match(page, /prefers-color-scheme: dark/);
  assert.doesNotMatch(page, /(src|href)=|url\(|@import/);
});

test('the table has hits and misses with their reasons, and the exit code guards', async () => {
  const { code, stdout, stderr } = await calibrate(...evidence(), '--min-recall', '50');
  assert.equal(code, 1);
  assert.match(stderr, /The pages' recall is 0 % \(0\/2\); --min-recall wants at least 50 %/);
  assert.match(stdout, /slow disk .*MISSED/);
  assert.match(stdout, /Only 2 incidents: the true recall lies between/);
});

/** A folder with definitions whose threshold for puts is so low that the slow half-hours page. */
function strictDefinitions(): string {
  const folder = path.join(scratch, 'strict');
  const definitions = path.join(root, 'slo/definitions');
  mkdirSync(folder, { recursive: true });
  for (const name of readdirSync(definitions)) {
    const text = readFileSync(path.join(definitions, name), 'utf8');
    writeFileSync(path.join(folder, name), text.replace('put-latency: 250ms', 'put-latency: 100ms'));
  }
  return folder;
}

test('an alert that always fires makes no page right', async () => {
  const alerts = path.join(root, 'slo/calibrate/testdata/alerts-that-always-fire.json');
  const { code, stderr } = await calibrate(
    ...['--blocks', blocks, '--incidents', alerts, ...deployment],
    ...['--definitions', strictDefinitions(), '--min-precision', '80']
  );
  assert.equal(code, 1);
  assert.match(stderr, /Watchdog is left out: it checks the alerting itself/);
  assert.match(stderr, /The pages' precision is 0 % \(0\/\d+\); --min-precision wants at least 80 %/);
});

test('a candidate is judged beside the present definitions', async () => {
  const folder = strictDefinitions();
  const { code, stdout, stderr } = await calibrate(...evidence(), '--candidate', `strict=${folder}`, '--json');
  assert.equal(code, 0, stderr);
  const { definitions: judged } = JSON.parse(stdout);
  assert.deepEqual(
    judged.map(({ name, pages }: any) => [name, pages.detected]),
    [
      ['present', 0],
      ['strict', 2],
    ]
  );
});

test('the blocks are left as they are', () => {
  const [block] = readdirSync(blocks);
  assert.deepEqual(readdirSync(path.join(blocks, block)).sort(), ['chunks', 'index', 'meta.json', 'tombstones']);
});

for (const [what, args, message] of [
  ['no source', ['--incidents', '/dev/null'], /Write either --url .* or --blocks/],
  ['no incidents', ['--url', 'http://127.0.0.1:9'], /--incidents is missing/],
  [
    'an unknown SLI',
    ['--propose', 'put-latncy', '--incidents', '/dev/null', '--url', 'http://127.0.0.1:9'],
    /Did you mean put-latency\?/,
  ],
  ['a folder without blocks', ['--blocks', '/etc', '--incidents', '/dev/null'], /\/etc has no block/],
  [
    'a wrong label',
    ['--scope', 'clster=a', '--incidents', '/dev/null', '--url', 'http://127.0.0.1:9'],
    /not a label of clusters/,
  ],
] as const) {
  test(`${what} is refused with the remedy`, async () => {
    const { code, stderr } = await calibrate(...args);
    assert.equal(code, 1);
    assert.match(stderr, message);
    assert.doesNotMatch(stderr, /\n {4}at /);
  });
}

test('a server that refuses is quoted, with the query and the remedy', async (t) => {
  const refusal = JSON.stringify({ status: 'error', error: 'query processing would load too many samples' });
  const url = await serverThatAnswers(t, 422, refusal);
  const { code, stderr } = await calibrate('--url', url, '--incidents', '/dev/null');
  assert.equal(code, 1);
  assert.match(stderr, /too many samples\nAsk for fewer clusters with --scope/);
  assert.match(stderr, /The query was:\nsum_over_time/);
});
