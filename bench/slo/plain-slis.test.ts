import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadDefinitions } from '../../slo/model/definitions.ts';
import { fleetOf } from './fleet.ts';
import { plainSlis } from './plain-slis.ts';
import { pyrraRules } from './pyrra.ts';

const { model } = loadDefinitions();
const { clusters } = fleetOf(400, 3, 1, model);

test('each SLI selects one cluster and, for a latency, the threshold of its class', () => {
  for (const cluster of clusters) {
    const slis = plainSlis(cluster, model);
    assert.equal(slis.length, model.slis.length);
    for (const { indicator } of slis) {
      const { kind: _, ...selectors } = indicator;
      Object.values(selectors).forEach((selector) =>
        assert.match(selector, new RegExp(`{cluster="${cluster.cluster}"`))
      );
    }
  }
  const latency = (spec: string) =>
    plainSlis(
      clusters.find((of) => of.spec === spec && of.product !== 'tke')!,
      model
    ).find(({ name }) => name === 'put-latency')!.indicator;
  assert.match(JSON.stringify(latency('small')), /le=\\"0.5\\"/);
  assert.match(JSON.stringify(latency('large')), /le=\\"0.25\\"/);
});

test('a fleet has clusters of every class in every scene', () => {
  const groups = new Set(clusters.map(({ region, product, scene, spec }) => [region, product, scene, spec].join()));
  assert.equal(groups.size, 8 * 3 * 5 * model.classes.length);
});

test('Pyrra has seven burn rates, four alerts and the rules of its window for each objective', () => {
  const [burn, increase] = pyrraRules(clusters.slice(0, 1), model).groups.filter(({ name }) =>
    name.includes('put-latency')
  );
  assert.equal(burn.rules.length, 7 + 4);
  assert.equal(increase.rules.length, 2 + 2);
  assert.deepEqual(
    burn.rules.flatMap((rule) => ('record' in rule ? [rule.record] : [])),
    ['5m', '64m', '32m', '386m', '129m', '1543m', '6171m'].map((range) => `pyrra:burnrate${range}`)
  );
});
