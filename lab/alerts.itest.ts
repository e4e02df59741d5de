// SLO rules and alerts of a whole lab, from its faults to Alertmanager: run with node --import tsx --test
// lab/alerts.itest.ts. The tests are one story, in their order.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { loadDefinitions, readDefinitions } from '../slo/model/definitions.ts';
import { latencySlis } from '../slo/model/model.ts';
import { type DefinitionTexts, parseDefinitions } from '../slo/model/parse.ts';
import { datasourceType, datasourceUid } from '../src/ids.ts';
import { httpOk } from './http.ts';
import { instantQuery } from './instant-query.ts';
import { applyObjects, deleteObject } from './kubernetes/client.ts';
import { clusterObjects } from './kubernetes/objects.ts';
import { alertmanagerURL } from './services/alertmanager.ts';
import { kubernetesServer } from './services/etcd-apiserver.ts';
import { fleetURL } from './services/fleet.ts';
import { prometheusURL } from './services/prometheus.ts';
import { applyRules, rulesToApply } from './slo/apply.ts';
import { evaluators } from './slo/load.ts';
import { regionRuleFile } from './slo/rule-files.ts';
import { step } from './slo/timing.ts';
import { testLab } from './test-lab.ts';

const stepSeconds = parseInt(step, 10);
const lab = testLab(29000);

test('regions record events, Thanos rule the fleet’s, and every cluster is in the inventory', async () => {
  const recorded = 'count(count by (cluster) (cluster:etcd_sli_events:increase)) == 6';
  const fleet = 'count(fleet:etcd_sli_events:increase5m{sli="leader",events="all"}) == 1';
  const inventory = 'count(etcdfleet_cluster_members == 3) == 6';
  await until(async () => (await ask(`(${recorded}) + (${fleet}) + (${inventory})`)).length === 1);
});

test('a changed formula is live without a restart, without a gap in what is recorded', async () => {
  const events = '{__name__="cluster:etcd_sli_events:increase",cluster="gz-etcd-default",sli="read-errors"}';
  const before = (await recordedAt(events)).at(-1)!;
  await until(async () => (await recordedAt(events)).at(-1)! >= before + 2 * stepSeconds);
  const processes = (await lab.running.run('status')).output
    .match(/^\S+-prometheus .*$|^thanos-rule .*$/gm)!
    .map(pidOf);

  const edited = changed('slis.yaml', /Unavailable\|DeadlineExceeded\|Internal/g, 'Unavailable|Internal');
  const applied = await applyRules(lab.running.lab, await rulesToApply(lab.running.lab, parseDefinitions(edited)));

  assert.match(applied.join('\n'), /gz-prometheus evaluates them[^]*thanos-rule evaluates them/);
  assert.ok((await evaluated('gz-prometheus')).every((query) => !query.includes('DeadlineExceeded')));
  const last = (await recordedAt(events)).at(-1)!;
  await until(async () => (await recordedAt(events)).at(-1)! >= last + 3 * stepSeconds);
  // Those of this test: what an earlier suite did to a busy machine is no fault of the change.
  const samples = (await recordedAt(events)).filter((time) => time >= before);
  const gaps = samples.slice(1).map((time, index) => time - samples[index]);
  assert.deepEqual([...new Set(gaps)], [stepSeconds]);
  const after = (await lab.running.run('status')).output.match(/^\S+-prometheus .*$|^thanos-rule .*$/gm)!.map(pidOf);
  assert.deepEqual(after, processes);
});

test('a broken formula is refused before it reaches anything', async () => {
  const before = readFileSync(regionRuleFile(lab.running.lab), 'utf8');
  const broken = changed(
    'slis.yaml',
    'max by ($cluster) (etcd_server_has_leader)',
    'max by ($cluster) (etcd_server_has_leader'
  );
  await assert.rejects(
    async () => rulesToApply(lab.running.lab, parseDefinitions(broken)),
    /promtool refuses the rules that follow from the definitions; nothing was written/
  );
  assert.equal(readFileSync(regionRuleFile(lab.running.lab), 'utf8'), before);
});

test('applying the definitions again brings back what they say', async () => {
  const applied = await applyRules(lab.running.lab, await rulesToApply(lab.running.lab));
  assert.match(applied.join('\n'), /promtool and thanos find no fault/);
  assert.ok((await evaluated('gz-prometheus')).some((query) => query.includes('DeadlineExceeded')));
});

test('a lab without a fault fires no alert', async () => {
  // The label sli is that of the worst: its series come and go.
  const burning = 'max by (cluster, objective) (cluster:etcd_slo_burn_rate:ratio5m)';
  const steps = `min(count_over_time(${burning}[1h:${step}]))`;
  await until(async () => Number((await ask(steps))[0]?.value[1]) * stepSeconds >= 120);
  assert.deepEqual(await firing(), []);
});

/** Faults with the objectives that they must burn, and those that they may: it depends on who asks the cluster meanwhile. */
const faults = [
  // Every write is refused: of all requests that is enough to break availability as a whole.
  { fault: 'fill-quota', cluster: 'gz-etcd-small', must: ['etcd-availability', 'write-availability'], may: [] },
  // Its two others serve what comes, but a third of the samples is missing.
  { fault: 'pause-member', cluster: 'gz-etcd-large', must: ['data-quality'], may: [] },
  // No leader, no quorum, and two thirds of the samples are missing. The few callers wait long for their errors, and as many
  // requests as usual count as failed.
  {
    fault: 'kill-quorum',
    cluster: 'sh-etcd-default',
    must: ['data-quality', 'etcd-availability', 'read-availability', 'write-availability'],
    may: [],
  },
];

test('a cluster that is new and cannot be reached pages nobody', async (t) => {
  const [gz] = lab.running.lab.plan.regions;
  const template = gz.clusters.find(({ tls, kubernetes }) => !tls && !kubernetes)!;
  const name = `${gz.name}-etcd-unreachable`;
  const members = template.members.map((member, index) => {
    const nowhere = `http://127.0.0.1:${index + 1}`; // nothing listens on ports that low
    return { ...member, clientURL: nowhere, metricsURL: nowhere };
  });
  const server = kubernetesServer(lab.running.lab, gz);
  const objects = clusterObjects({ ...template, name, members });
  await applyObjects(server, objects);
  t.after(async () => {
    for (const object of objects) {
      await deleteObject(server, object);
    }
  });
  await until(async () => (await ask(`max(etcdfleet_cluster_members{cluster="${name}"}) == 3`)).length === 1);
  await sleep(60_000); // as long as it takes a dead cluster to page
  assert.deepEqual(await firing(), []);
});

test('a killed quorum leads tier 1, spends the budget, and an alert says so', async (t) => {
  const { fault, cluster } = faults.at(-1)!;
  const objective = 'etcd-availability';
  const left = async () =>
    (await worstClusters()).find((row) => row.cluster === cluster && row.objective === objective);
  const before = (await left())!.budgetLeft;
  await inject(fault, cluster);
  const killed = Date.now();
  const sinceKilled = async (what: string, holds: () => Promise<boolean>) => {
    await until(holds);
    const seconds = (Date.now() - killed) / 1000;
    t.diagnostic(`${what} ${seconds.toFixed(0)} s after the quorum was killed`);
    return seconds;
  };
  const alerted = (of: string, summary: RegExp) => async () =>
    (await activeAlerts()).some(
      ({ labels, annotations }) =>
        labels.cluster === cluster &&
        labels.objective === of &&
        labels.urgency === 'page' &&
        summary.test(annotations.summary)
    );
  const members = [1, 2].map((index) => `${cluster}-${index}`).join(', ');
  const [leads, named, fell] = await Promise.all([
    sinceKilled('It leads the table of clusters', async () => (await worstClusters())[0].cluster === cluster),
    sinceKilled('The diagnosis of the fleet begins with it and names the members', async () => {
      const [worst] = await diagnosis({ findings: 'first' });
      return worst?.cluster === cluster && worst.suspect === 'Quorum lost' && worst.member === members;
    }),
    sinceKilled('Its error budget has fallen', async () => (await left())!.budgetLeft < before - 0.001),
    sinceKilled('Alertmanager has an alert about the quorum', alerted(objective, /quorum.*: etcd availability burns/)),
    sinceKilled('Reads page', alerted('read-availability', /./)),
    sinceKilled('Writes page', alerted('write-availability', /./)),
  ]);
  assert.ok(leads <= 60, `it led after ${leads} s`);
  assert.ok(named <= 60, `the diagnosis named the members after ${named} s`);
  const [{ statement, host }] = await diagnosis({ scope: { cluster: [cluster] } });
  assert.match(statement, /has no quorum: 2 of 3 members are down/);
  assert.equal(host, 'sh-node-1, sh-node-2');
  assert.ok(fell <= 120, `its budget fell after ${fell} s`);
  // By the times of the samples, so that a busy machine which is slow to deliver the alert is no fault of the rules.
  const firstSample = async (series: string) =>
    Math.min(
      ...(await ask(`${series}[1h]`)).flatMap(({ values }) =>
        values.map(([time]) => time).filter((time) => time >= killed / 1000)
      )
    );
  const fired = await firstSample(`ALERTS{alertstate="firing",cluster="${cluster}",objective="${objective}"}`);
  t.diagnostic(`The alert fired ${(fired - killed / 1000).toFixed(0)} s after the quorum was killed`);
  assert.ok(fired - killed / 1000 <= 60);
});

test('each fault fires the alerts of its own cluster’s objectives and no other', async () => {
  for (const { fault, cluster } of faults.slice(0, -1)) {
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

test('the diagnosis names the cause of each fault', async () => {
  const causes: Record<string, string> = {
    'fill-quota': 'Quota exceeded',
    'pause-member': 'Member down',
    'kill-quorum': 'Quorum lost',
  };
  for (const { fault, cluster } of faults) {
    await until(async () => (await diagnosis({ scope: { cluster: [cluster] } }))[0].suspect === causes[fault]);
  }
});

test('heal ends every fault', async () => {
  const { exitCode, output } = await lab.running.run('heal');
  assert.equal(exitCode, 0, output);
  assert.doesNotMatch((await lab.running.run('status')).output, /Active fault/);
});

async function inject(...args: string[]): Promise<void> {
  const { exitCode, output } = await lab.running.run('fault', ...args);
  assert.equal(exitCode, 0, output);
}

/**
 * Returns cluster (or alert) and objective of all alerts that Alertmanager has, each once. Left out are those that only show
 * that the machine of this test is busy: latencies, and lost scrapes of an API server while all members were scraped.
 */
async function firing(): Promise<string[]> {
  const alerts = await activeAlerts();
  const bad = 'cluster:etcd_sli_events:increase1h{events="bad"} > 0';
  const scrapes = (job: string) => `min by (cluster) (min_over_time(up{job="${job}"}[1h]))`;
  const late = await ask(`${scrapes('kube-apiserver')} == 0 and on (cluster) ${scrapes('etcd')} == 1`);
  const lateOnly = new Set(late.map(({ metric }) => metric.cluster));
  const burnt = (await ask(bad)).filter(
    ({ metric }) => !latencies.has(metric.sli) && !(metric.sli === 'scrapes' && lateOnly.has(metric.cluster))
  );
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

interface ClusterLevel {
  cluster: string;
  objective: string;
  budgetLeft: number;
}

interface FindingRow {
  cluster: string;
  suspect: string;
  statement: string;
  member: string;
  host: string;
}

/** The rows of a query of the kind diagnosis. */
const diagnosis = (query: object) => rowsOf<FindingRow>({ kind: 'diagnosis', ...query });

/** The rows of tier 1's table of clusters, asked as its panel asks for the whole fleet. */
async function worstClusters(): Promise<ClusterLevel[]> {
  const { panels } = JSON.parse(
    readFileSync(path.join(lab.running.lab.root, 'dashboards/tier1-overview.json'), 'utf8')
  );
  const table = panels.find(({ title }: { title: string }) => title === 'Clusters by objective, worst first');
  const [target] = table.targets;
  return rowsOf<ClusterLevel>({ ...target, scope: {} });
}

/** The rows of a table as objects, asked through the datasource. */
async function rowsOf<Row>(query: object): Promise<Row[]> {
  const datasource = { type: datasourceType, uid: datasourceUid };
  const [from, to] = [Date.now() - 3_600_000, Date.now()].map(String);
  const body = JSON.stringify({ from, to, queries: [{ refId: 'A', ...query, datasource }] });
  const answer = await httpOk(`${fleetURL(lab.running.lab)}/api/ds/query`, { method: 'POST', body, headers: asJSON });
  const [{ schema, data }] = JSON.parse(answer).results.A.frames;
  const names = (schema.fields as Array<{ name: string }>).map(({ name }) => name);
  const [first] = data.values as unknown[][];
  return first.map((_, row) => Object.fromEntries(names.map((name, at) => [name, data.values[at][row]])) as Row);
}

const asJSON = { 'Content-Type': 'application/json' };

async function activeAlerts() {
  return JSON.parse(await httpOk(`${alertmanagerURL(lab.running.lab)}/api/v2/alerts?active=true`)) as Array<{
    labels: Record<string, string>;
    annotations: Record<string, string>;
  }>;
}

const latencies = new Set(latencySlis(loadDefinitions().model).map(({ name }) => name));

function changed(file: keyof DefinitionTexts, from: string | RegExp, to: string): DefinitionTexts {
  const texts = readDefinitions();
  const text = texts[file].replace(from, to);
  assert.notEqual(text, texts[file], `${file} holds ${from}`);
  return { ...texts, [file]: text };
}

const ask = (query: string) => instantQuery(lab.running.lab.plan.thanosURL, query);

/** When the region gz recorded the series: seconds. */
async function recordedAt(selector: string): Promise<number[]> {
  const [gz] = lab.running.lab.plan.regions;
  const [series] = await instantQuery(prometheusURL(gz), `${selector}[10m]`);
  return series?.values.map(([time]) => time) ?? [];
}

async function evaluated(name: string): Promise<string[]> {
  const { url } = evaluators(lab.running.lab).find((evaluator) => evaluator.name === name)!;
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
