import assert from 'node:assert/strict';
import { test } from 'node:test';
import { metricNames } from '../../slo/promql/metric-names.ts';
import { regionRules } from '../../slo/generate/region.ts';
import type { RecordingRule } from '../../slo/generate/rules.ts';
import { loadDefinitions } from '../../slo/model/definitions.ts';
import { parseDuration } from '../../slo/model/duration.ts';
import { fleetOf } from './fleet.ts';
import { planOf } from './seed.ts';

const definitions = loadDefinitions();
const { model, deployment } = definitions;
const { families } = planOf(fleetOf(3, 3, 1, model), definitions);
const seeded = new Set(families.map(({ name }) => name));
const rules = regionRules(model, deployment).groups.flatMap((group) => group.rules as RecordingRule[]);

// Rules without data cost nothing, and the benchmark would show figures that are too good.
test('the seed has every raw series that the rules of a region read', () => {
  const recorded = new Set(rules.map(({ record }) => record));
  const raw = new Set(rules.flatMap(({ expr }) => metricNames(expr)).filter((name) => !recorded.has(name)));
  assert.deepEqual(
    [...raw].filter((name) => !seeded.has(name)),
    []
  );
});

test('the seed has the recorded series that rules read over a long time', () => {
  const sums = /(?:sum|count|max|min)_over_time\(([\w:]+)(?:\{[^}]*\})?\[(\w+)\]/g;
  const read = rules.flatMap(({ expr }) => [...expr.matchAll(sums)].map(([, name, range]) => ({ name, range })));
  const long = new Set(read.filter(({ range }) => parseDuration(range) > 600).map(({ name }) => name));
  assert.ok(long.size > 8);
  assert.deepEqual(
    [...long].filter((name) => !seeded.has(name)),
    []
  );
});

test('the seed has the times of its tiles', () => {
  for (const name of ['last_step', 'evaluation_time', 'first_time']) {
    assert.ok(seeded.has(`etcd_slo_tile:${name}`));
  }
});
