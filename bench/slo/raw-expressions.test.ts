import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ruleFiles } from '../../slo/generate/files.ts';
import { metricNames } from '../../slo/promql/metric-names.ts';
import { loadDefinitions } from '../../slo/model/definitions.ts';
import { RawExpressions, restricted } from './raw-expressions.ts';

const definitions = loadDefinitions();
const { model, deployment } = definitions;
const raw = new RawExpressions(ruleFiles(definitions)['recording/region.yaml'], model, deployment);

for (const { name } of model.slis) {
  test(`${name} over an hour reads no series that count steps`, () => {
    for (const kind of ['bad', 'all'] as const) {
      const expr = raw.of(name, kind, 3600);
      assert.ok(!expr.includes('etcd_sli_events'), expr);
      assert.doesNotMatch(expr, /\[(75s|1m)\]|60 \/ 75/);
    }
  });
}

test('a restriction applies to every selector except series without the label', () => {
  const expr = 'sum(rate(a_total{x="1"}[5m])) / sum(a_total_seconds) * on (spec) spec:etcd_slo_target:ratio';
  assert.equal(
    restricted(expr, 'cluster="c"'),
    'sum(rate(a_total{cluster="c",x="1"}[5m])) / sum(a_total_seconds{cluster="c"}) * on (spec) spec:etcd_slo_target:ratio'
  );
  assert.deepEqual(metricNames(restricted(expr, 'cluster="c"')), metricNames(expr));
});
