import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';
import { loadDefinitions } from '../../slo/model/definitions.ts';
import { metricNames } from '../../slo/promql/metric-names.ts';
import { datasourceFleet, faultyRegion } from './fleet.ts';
import { datasourceFamilies } from './series.ts';

const repository = path.resolve(import.meta.dirname, '../..');
const { model } = loadDefinitions();
const fleet = datasourceFleet(200, model);
const families = datasourceFamilies(fleet, model, { from: 0, fault: 600_000, to: 1_200_000 });
const seeded = new Set(families.map(({ name }) => name));

// Queries without data are fast, and the benchmark would show figures that are too good.
test('the seed has every series that the measured dashboards read', () => {
  const panels = ['tier1-overview', 'tier3-cluster'].flatMap(panelsOf);
  const read = panels.flatMap(({ targets = [] }) => targets.flatMap(({ expr }) => (expr ? metricNames(expr) : [])));
  assert.ok(read.length > 50);
  assert.deepEqual(missing(read), []);
});

test('the seed has every series that a diagnosis reads', () => {
  const signals = parse(readFileSync(path.join(repository, 'pkg/diagnosis/signals.yaml'), 'utf8')) as Record<
    string,
    { expr: string }
  >;
  const read = Object.values(signals).flatMap(({ expr }) => metricNames(expr.replaceAll('$scope', 'cluster="x"')));
  assert.deepEqual(missing(read), []);
});

test('no family is seeded twice', () => assert.equal(seeded.size, families.length));

test('faults of each kind are in one region, and only the slow host has slow disks', () => {
  const faulty = fleet.clusters.filter(({ fault }) => fault);
  assert.deepEqual([...new Set(faulty.map(({ fault }) => fault))].sort(), ['member-down', 'quorum-lost', 'slow-disk']);
  assert.ok(faulty.every(({ labels }) => labels.region === faultyRegion));
  for (const { members, fault } of fleet.clusters) {
    assert.equal(
      members.some(({ host }) => host === fleet.slowHost),
      fault === 'slow-disk'
    );
  }
});

test('60 of 10,000 clusters have faults', () => {
  assert.equal(datasourceFleet(10_000, model).clusters.filter(({ fault }) => fault).length, 60);
});

const missing = (names: string[]) => [...new Set(names)].filter((name) => !seeded.has(name));

function panelsOf(dashboard: string) {
  const file = path.join(repository, 'dashboards', `${dashboard}.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as { panels: Array<{ targets?: Array<{ expr?: string }> }> }).panels;
}
