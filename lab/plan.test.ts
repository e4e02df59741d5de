import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openLab } from './lab.ts';
import { type Plan, allClusters, planLab, portsPerRegion } from './plan.ts';
import { topology } from './topology.ts';

const portsOf = (plan: Plan): number[] => [
  ...Object.values(plan.ports),
  ...plan.regions.flatMap((region) => [
    ...Object.values(region.ports),
    ...region.clusters.flatMap(({ members, kubernetes }) => [
      ...members.flatMap((member) => Object.values(member.ports)),
      ...(kubernetes ? [kubernetes.port] : []),
    ]),
  ]),
];

test('no port is planned twice, and all are in the range that the lab claims', () => {
  const ports = portsOf(planLab(topology, 23000));
  assert.equal(new Set(ports).size, ports.length);
  assert.ok(Math.min(...ports) >= 23000);
  assert.ok(Math.max(...ports) < 23000 + (topology.length + 1) * portsPerRegion);
});

test('two labs with bases 1000 apart share no port', () => {
  const first = new Set(portsOf(planLab(topology, 23000)));
  assert.deepEqual(
    portsOf(planLab(topology, 24000)).filter((port) => first.has(port)),
    []
  );
});

test('a region has no more clusters than it has ports for', () => {
  const clusters = Array(7).fill(topology[0].clusters[0]);
  assert.throws(() => planLab([{ name: 'gz', clusters }], 23000), /region gz has more than 6 clusters/);
});

test('each region has a cluster of every specification, the large one with TLS', () => {
  for (const region of planLab(topology, 23000).regions) {
    assert.deepEqual(
      region.clusters.map(({ name, tls }) => [name, tls]),
      [
        [`${region.name}-etcd-small`, false],
        [`${region.name}-etcd-default`, false],
        [`${region.name}-etcd-large`, true],
      ]
    );
    for (const cluster of region.clusters) {
      const scheme = cluster.tls ? 'https:' : 'http:';
      assert.equal(cluster.members.length, 3);
      assert.ok(cluster.members.every(({ clientURL }) => clientURL.startsWith(scheme)));
      assert.ok(cluster.members.every(({ metricsURL }) => metricsURL.startsWith('http:')));
    }
  }
});

test('products and scenes differ within a region, and some cluster has extensive metrics', () => {
  const plan = planLab(topology, 23000);
  for (const { clusters } of plan.regions) {
    assert.equal(new Set(clusters.map(({ product, scene }) => `${product}/${scene}`)).size, clusters.length);
  }
  assert.ok(allClusters(plan).some(({ metrics }) => metrics === 'extensive'));
});

for (const [value, usable] of [
  [undefined, true],
  ['24000', true],
  ['80', false],
  ['65400', false],
  ['many', false],
] as const) {
  test(`LAB_PORT_BASE=${value} is ${usable ? 'accepted' : 'refused with the usable range'}`, () => {
    const open = () => openLab({ LAB_PORT_BASE: value }).portBase;
    if (usable) {
      assert.equal(open(), Number(value ?? 23000));
    } else {
      assert.throws(open, { message: new RegExp(`LAB_PORT_BASE is ${value}`), remedy: /from 1024 to 65235/ });
    }
  });
}
