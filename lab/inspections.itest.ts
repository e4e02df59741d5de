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
    await untilTold(hazards);
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

/**
 * Runs the inspections until each has told what the hazards require. Only those that have not run again: on a busy
 * machine some member of the fleet is always late with some answer.
 */
async function untilTold(hazards: Hazard[]): Promise<void> {
  const later = new Set(hazards.flatMap(({ cluster, later = [] }) => later.map((check) => `${cluster} ${check}`)));
  const want = new Map<string, Hazard['told'][string]>(
    hazards.flatMap(({ cluster, told }) =>
      Object.entries(told).map(([check, what]) => [`${cluster} ${check}`, what] as const)
    )
  );
  const isWanted = (name: string, run: Run) => {
    const [outcome, message] = want.get(name) ?? ['Passed', /^/];
    return later.has(name) || (run.outcome === outcome && message.test(run.message));
  };
  const runs = await runAll();
  const deadline = Date.now() + 300_000;
  for (;;) {
    const wrong = [...runs].filter(([name, run]) => !isWanted(name, run));
    if (wrong.length === 0) {
      return;
    }
    const messages = wrong.map(([name, { outcome, message }]) => `${name} ${outcome}: ${message}`);
    assert.ok(Date.now() < deadline, `not as expected within five minutes:\n${messages.join('\n')}`);
    const again = new Set(wrong.map(([name]) => name));
    for (const [name, run] of await runAll((name) => again.has(name))) {
      runs.set(name, run);
    }
  }
}

/** Requests a run of the chosen inspections, all by default, and waits until each has taken place. By cluster and check. */
async function runAll(isChosen: (name: string) => boolean = () => true): Promise<Map<string, Run>> {
  const request = randomUUID();
  const runs = await Promise.all(lab.running.lab.plan.regions.map((region) => runAllOf(region, request, isChosen)));
  return new Map(runs.flat());
}

async function runAllOf(
  region: PlannedRegion,
  request: string,
  isChosen: (name: string) => boolean
): Promise<Array<[string, Run]>> {
  const monitors = await monitorsOf(region);
  assert.equal(monitors.length, region.clusters.length * labChecks.length);
  const requested = monitors.filter((monitor) => isChosen(nameOf(monitor))).map(({ metadata: { name } }) => name);
  await applyObjects(
    kubernetesServer(lab.running.lab, region),
    requested.map((name) => ({
      apiVersion,
      kind: 'EtcdMonitor',
      metadata: {
        name,
        namespace: region.name,
        annotations: { 'etcd.cloud.tencent.com/run-requested-at': request },
      },
    }))
  );
  const deadline = Date.now() + 300_000;
  for (;;) {
    const runs = (await monitorsOf(region)).flatMap((monitor) => {
      const record = monitor.status?.records?.find((each) => each.request === request);
      return record ? [[nameOf(monitor), record] satisfies [string, Run]] : [];
    });
    if (runs.length === requested.length) {
      return runs;
    }
    const count = `${runs.length} of ${requested.length}`;
    assert.ok(Date.now() < deadline, `only ${count} inspections ran within five minutes`);
    await sleep(500);
  }
}

const nameOf = ({ spec }: EtcdMonitor) => `${spec.clusterId} ${spec.metricName}`;

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
