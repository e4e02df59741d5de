// What goes wrong with etcd clusters is found by its check and only by it, in a whole lab: run with node --import tsx
// --test lab/inspections.itest.ts. The tests are one story, in their order.
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { applyObjects, getObject } from './kubernetes/client.ts';
import { labChecks } from './kubernetes/inspections.ts';
import { apiVersion } from './kubernetes/objects.ts';
import type { PlannedRegion } from './plan.ts';
import { kubernetesServer } from './services/etcd-apiserver.ts';
import { testLab } from './test-lab.ts';

const lab = testLab(25000);

interface Hazard {
  fault: string;
  cluster: string;
  /** The checks that report it, with their outcomes and texts of their messages. All others pass. */
  told: Record<string, [outcome: string, message: RegExp]>;
  /** Checks that report it too, but only after something else has happened. */
  later?: string[];
}

/** One after the other; what is in one group happens at once, each in a cluster of its own. */
const groups: Hazard[][] = [
  [
    {
      fault: 'corrupt',
      cluster: 'gz-etcd-large',
      told: {
        'etcd-node-key-diff': ['Failed', /nodeKeyDiff is [1-9]\d*\. Keys at revision \d+:/],
        // Lost keys are another hash, too.
        'data-consistency': ['Failed', /gz-etcd-large-\d/],
      },
      // It follows up the restart, and compares the data after the next compaction.
      later: ['health-after-change'],
    },
    {
      fault: 'change-values',
      cluster: 'sh-etcd-large',
      told: { 'data-consistency': ['Failed', /sh-etcd-large-\d/] },
      later: ['health-after-change'],
    },
    {
      fault: 'large-value',
      cluster: 'gz-etcd-small',
      told: { 'large-key-values': ['Warning', /lab\/large-value\/object 900\.0 KiB/] },
    },
    {
      fault: 'many-keys',
      cluster: 'gz-etcd-default',
      told: { 'key-count-growth': ['Warning', /lab\/many-keys\/ grew by 50000 keys from 0/] },
    },
    {
      fault: 'hot-key',
      cluster: 'sh-etcd-small',
      told: { 'write-qps-outliers': ['Warning', /Hot key lab\/hot-key\/object has \d+\.\d writes\/s/] },
    },
  ],
  [
    {
      fault: 'split-member',
      cluster: 'sh-etcd-default',
      // The other checks leave the member out and say so, which is no outcome.
      told: { membership: ['Failed', /sh-etcd-default-\d serves another etcd cluster/] },
    },
    {
      fault: 'fill-quota',
      cluster: 'gz-etcd-small',
      told: {
        alarms: ['Failed', /Alarm NOSPACE is raised for gz-etcd-small-\d/],
        // Why the alarm is raised.
        'quota-and-fragmentation': ['Failed', /Writes are about to be refused by .*gz-etcd-small-\d/],
      },
    },
    {
      fault: 'expiring-certificate',
      cluster: 'gz-etcd-large',
      told: {
        'certificate-expiry': ['Failed', /server certificate of gz-etcd-large-\d \(expires on .*, in [12]\.\d days\)/],
      },
    },
    {
      fault: 'restart-member',
      cluster: 'gz-etcd-default',
      // A restart that ends well is told, and no reason to worry.
      told: { 'health-after-change': ['Passed', /gz-etcd-default-\d restarted at .*All 3 voting members are healthy/] },
    },
  ],
];

test('a lab without a hazard passes every inspection', async () => {
  await untilTold([]);
});

for (const hazards of groups) {
  const names = hazards.map(({ fault }) => fault).join(', ');

  test(`${names}: each is told by its checks and by no other`, async () => {
    for (const { fault, cluster } of hazards) {
      await command('fault', fault, cluster);
    }
    const runs = await untilTold(hazards);
    for (const { cluster, told } of hazards) {
      for (const [check, [, message]] of Object.entries(told)) {
        assert.match(runs.get(`${cluster} ${check}`)!.message, message);
      }
    }
  });

  test(`${names}: when they are healed every inspection passes again`, async () => {
    await command('heal');
    await untilTold([]);
  });
}

interface Run {
  outcome: string;
  message: string;
}

/** Runs every inspection of the fleet until all have the outcomes that the hazards require, and returns those runs. */
async function untilTold(hazards: Hazard[]): Promise<Map<string, Run>> {
  const later = hazards.flatMap(({ cluster, later = [] }) => later.map((check) => `${cluster} ${check}`));
  const want = hazards
    .flatMap(({ cluster, told }) => Object.entries(told).map(([check, [outcome]]) => `${cluster} ${check} ${outcome}`))
    .filter((text) => !text.endsWith(' Passed'))
    .sort();
  const deadline = Date.now() + 180_000;
  for (;;) {
    const runs = await runAll();
    const found = [...runs].filter(([name, { outcome }]) => outcome !== 'Passed' && !later.includes(name));
    const told = found.map(([name, { outcome }]) => `${name} ${outcome}`).sort();
    if (told.join() === want.join()) {
      return runs;
    }
    if (Date.now() > deadline) {
      const messages = found.map(([name, { outcome, message }]) => `${name} ${outcome}: ${message}`);
      assert.deepEqual(told, want, messages.join('\n'));
    }
  }
}

/** Requests a run of every inspection, and waits until each has taken place. By cluster and check. */
async function runAll(): Promise<Map<string, Run>> {
  const request = randomUUID();
  const runs = await Promise.all(lab.running.lab.plan.regions.map((region) => runAllOf(region, request)));
  return new Map(runs.flat());
}

async function runAllOf(region: PlannedRegion, request: string): Promise<Array<[string, Run]>> {
  const server = kubernetesServer(lab.running.lab, region);
  const requested = (await monitorsOf(region)).map(({ metadata: { name } }) => ({
    apiVersion,
    kind: 'EtcdMonitor',
    metadata: {
      name,
      namespace: region.name,
      annotations: { 'etcd.cloud.tencent.com/run-requested-at': request },
    },
  }));
  assert.equal(requested.length, region.clusters.length * labChecks.length);
  await applyObjects(server, requested);
  const deadline = Date.now() + 120_000;
  for (;;) {
    const monitors = await monitorsOf(region);
    const runs = monitors.flatMap(({ spec, status }) => {
      const record = status?.records?.find((each) => each.request === request);
      return record ? [[`${spec.clusterId} ${spec.metricName}`, record] satisfies [string, Run]] : [];
    });
    if (runs.length === monitors.length) {
      return runs;
    }
    assert.ok(Date.now() < deadline, `only ${runs.length} of ${monitors.length} inspections ran within two minutes`);
    await sleep(500);
  }
}

interface EtcdMonitor {
  metadata: { name: string };
  spec: { clusterId: string; metricName: string };
  status?: { records?: Array<Run & { request?: string }> };
}

async function monitorsOf(region: PlannedRegion): Promise<EtcdMonitor[]> {
  const { items } = await getObject<{ items: EtcdMonitor[] }>(
    kubernetesServer(lab.running.lab, region),
    `/apis/${apiVersion}/namespaces/${region.name}/etcdmonitors`
  );
  return items;
}

async function command(...args: string[]): Promise<void> {
  const { exitCode, output } = await lab.running.run(...args);
  assert.equal(exitCode, 0, output);
}
