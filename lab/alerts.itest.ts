// SLO rules and alerts of a whole lab, from its faults to Alertmanager: run with node --import tsx --test
// lab/alerts.itest.ts. The tests are one story, in their order.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { loadDefinitions, readDefinitions } from '../slo/model/definitions.ts';
import { latencySlis } from '../slo/model/model.ts';
import { type DefinitionTexts, parseDefinitions } from '../slo/model/parse.ts';
import { httpOk } from './http.ts';
import { instantQuery } from './instant-query.ts';
import { type LabOptions, type RunningLab, labCommand, startLab } from './running-lab.ts';
import { alertmanagerURL } from './services/alertmanager.ts';
import { prometheusURL } from './services/prometheus.ts';
import { applyRules, rulesToApply } from './slo/apply.ts';
import { evaluators } from './slo/load.ts';
import { regionRuleFile } from './slo/rule-files.ts';
import { step } from './slo/timing.ts';

const temporary = mkdtempSync(path.join(tmpdir(), 'etcdfleet-alerts-'));
const options: LabOptions = { dir: path.join(temporary, 'lab'), portBase: 29000 };
const stepSeconds = parseInt(step, 10);
let running: RunningLab;

before(async () => {
  running = await startLab(options);
});

after(async () => {
  await labCommand(options, ['stop']);
  rmSync(temporary, { recursive: true, force: true });
});

test('regions record events, Thanos rule the fleet’s, and every cluster is in the inventory', async () => {
  const recorded = 'count(count by (cluster) (cluster:etcd_sli_events:increase)) == 6';
  const fleet = 'count(fleet:etcd_sli_events:increase5m{sli="leader",events="all"}) == 1';
  const inventory = 'count(etcdfleet_cluster_members == 3) == 6';
  await until(async () => (await ask(`(${recorded}) + (${fleet}) + (${inventory})`)).length === 1);
});

test('a changed formula is live without a restart, without a gap in what is recorded', async () => {
  const events = '{__name__="cluster:etcd_sli_events:increase",cluster="gz-etcd-default",sli="read-errors"}';
  const before = await recordedAt(events);
  await until(async () => (await recordedAt(events)).length >= before.length + 2);
  const processes = (await running.run('status')).output.match(/^\S+-prometheus .*$|^thanos-rule .*$/gm)!.map(pidOf);

  const edited = changed('slis.yaml', /Unavailable\|DeadlineExceeded\|Internal/g, 'Unavailable|Internal');
  const applied = await applyRules(running.lab, await rulesToApply(running.lab, parseDefinitions(edited)));

  assert.match(applied.join('\n'), /gz-prometheus evaluates them[^]*thanos-rule evaluates them/);
  assert.ok((await evaluated('gz-prometheus')).every((query) => !query.includes('DeadlineExceeded')));
  const last = (await recordedAt(events)).at(-1)!;
  await until(async () => (await recordedAt(events)).at(-1)! >= last + 3 * stepSeconds);
  const samples = await recordedAt(events);
  const gaps = samples.slice(1).map((time, index) => time - samples[index]);
  assert.deepEqual([...new Set(gaps)], [stepSeconds]);
  const after = (await running.run('status')).output.match(/^\S+-prometheus .*$|^thanos-rule .*$/gm)!.map(pidOf);
  assert.deepEqual(after, processes);
});

test('a broken formula is refused before it reaches anything', async () => {
  const before = readFileSync(regionRuleFile(running.lab), 'utf8');
  const broken = changed(
    'slis.yaml',
    'max by ($cluster) (etcd_server_has_leader)',
    'max by ($cluster) (etcd_server_has_leader'
  );
  await assert.rejects(
    async () => rulesToApply(running.lab, parseDefinitions(broken)),
    /promtool refuses the rules that follow from the definitions; nothing was written/
  );
  assert.equal(readFileSync(regionRuleFile(running.lab), 'utf8'), before);
});

test('applying the definitions again brings back what they say', async () => {
  const applied = await applyRules(running.lab, await rulesToApply(running.lab));
  assert.match(applied.join('\n'), /promtool and thanos find no fault/);
  assert.ok((await evaluated('gz-prometheus')).some((query) => query.includes('DeadlineExceeded')));
});

test('a lab without a fault fires no alert', async () => {
  const steps = 'min(count_over_time(cluster:etcd_slo_burn_rate:ratio5m[1h]))';
  await until(async () => Number((await ask(steps))[0]?.value[1]) * stepSeconds >= 120);
  assert.deepEqual(await firing(), []);
});

/** Faults with the objectives that they must burn, and those that they may: it depends on who asks the cluster meanwhile. */
const faults = [
  // Every write is refused: of all requests that is enough to break availability as a whole.
  { fault: 'fill-quota', cluster: 'gz-etcd-small', must: ['etcd-availability', 'write-availability'], may: [] },
  // Its two others serve what comes, but a third of the samples is missing.
  { fault: 'pause-member', cluster: 'gz-etcd-large', must: ['data-quality'], may: [] },
  // No leader, no quorum, and two thirds of the samples are missing. The few callers wait long for their errors.
  {
    fault: 'kill-quorum',
    cluster: 'sh-etcd-default',
    must: ['data-quality', 'etcd-availability'],
    may: ['read-availability', 'write-availability'],
  },
];

test('each fault fires the alerts of its own cluster’s objectives and no other', async () => {
  for (const { fault, cluster } of faults) {
    await inject(fault, cluster);
  }
  const named = (kind: 'must' | 'may') => faults.flatMap((of) => of[kind].map((name) => `${of.cluster} ${name}`));
  await until(async () => {
    const burning = await firing();
    return named('must').every((alert) => burning.includes(alert));
  });
  await sleep(3 * stepSeconds * 1000); // what else would come now
  const others = (await firing()).filter((alert) => !named('may').includes(alert));
  assert.deepEqual(others, named('must').sort());
});

async function inject(...args: string[]): Promise<void> {
  const { exitCode, output } = await running.run('fault', ...args);
  assert.equal(exitCode, 0, output);
}

/**
 * Cluster (or alert) and objective of all alerts that Alertmanager has, each once. Left out are those that nothing but
 * latency SLIs burns: they tell, rightly, that the machine which runs this test is busy with something else.
 */
async function firing(): Promise<string[]> {
  const alerts = JSON.parse(await httpOk(`${alertmanagerURL(running.lab)}/api/v2/alerts?active=true`)) as Array<{
    labels: Record<string, string>;
  }>;
  const bad = 'cluster:etcd_sli_events:increase1h{events="bad"} > 0';
  const burnt = (await ask(bad)).filter(({ metric }) => !latencies.has(metric.sli));
  const named = alerts
    .map(({ labels }) => labels)
    .filter(
      (of) =>
        !of.cluster ||
        burnt.some(({ metric: { cluster, objective } }) => cluster === of.cluster && objective === of.objective)
    )
    .map((of) => `${of.cluster ?? of.alertname} ${of.objective ?? ''}`.trim());
  return [...new Set(named)].sort();
}

const latencies = new Set(latencySlis(loadDefinitions().model).map(({ name }) => name));

function changed(file: keyof DefinitionTexts, from: string | RegExp, to: string): DefinitionTexts {
  const texts = readDefinitions();
  const text = texts[file].replace(from, to);
  assert.notEqual(text, texts[file], `${file} holds ${from}`);
  return { ...texts, [file]: text };
}

const ask = (query: string) => instantQuery(running.lab.plan.thanosURL, query);

/** When the region gz recorded the series: seconds. */
async function recordedAt(selector: string): Promise<number[]> {
  const [gz] = running.lab.plan.regions;
  const [series] = await instantQuery(prometheusURL(gz), `${selector}[10m]`);
  return series?.values.map(([time]) => time) ?? [];
}

async function evaluated(name: string): Promise<string[]> {
  const { url } = evaluators(running.lab).find((evaluator) => evaluator.name === name)!;
  const { data } = JSON.parse(await httpOk(`${url}/api/v1/rules`)) as {
    data: { groups: Array<{ rules: Array<{ query: string }> }> };
  };
  return data.groups.flatMap(({ rules }) => rules.map(({ query }) => query));
}

const pidOf = (row: string) => row.split(/\s+/).slice(0, 3).join(' ');

async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 300_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, 'waited five minutes');
    await sleep(1000);
  }
}
