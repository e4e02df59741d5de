import assert from 'node:assert/strict';
import { test } from 'node:test';

import { loadDefinitions } from '../model/definitions.ts';
import { metricNames } from '../promql/metric-names.ts';
import { ruleFiles, ruleTexts } from './files.ts';
import { signalExprs } from './signals.ts';

const definitions = loadDefinitions();

/** Metrics of jobs that keep everything: Prometheus' own, cruiser's, and what the rules record. */
const keptAnyway = /^(up|etcd_inspection_\w+)$/;

test('what a diagnosis reads is recorded, or kept at the scrape', () => {
  const recorded = Object.values(ruleFiles(definitions)).flatMap(({ groups }) =>
    groups.flatMap(({ rules }) => rules.flatMap((rule) => ('record' in rule ? rule.record : [])))
  );
  const exprs = signalExprs();
  const allowlist = ruleTexts(definitions, exprs, 'test')['scrape/allowlist.yaml'];
  for (const name of exprs.flatMap(metricNames)) {
    assert.ok(keptAnyway.test(name) || recorded.includes(name) || allowlist.includes(name), `${name} is dropped`);
  }
  assert.ok(exprs.flatMap(metricNames).includes('etcd_network_active_peers'));
});
