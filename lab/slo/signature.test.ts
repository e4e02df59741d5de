import assert from 'node:assert/strict';
import { test } from 'node:test';

import type { RuleGroup } from '../../slo/generate/rules.ts';
import { type EvaluatedGroup, signatureOfEvaluated, signatureOfWritten } from './signature.ts';

const written: RuleGroup = {
  name: 'etcd-slo-events',
  interval: '1m',
  rules: [
    {
      record: 'x:b:c',
      labels: { sli: 'leader', events: 'bad' },
      expr: 'sum by (a) (\n  increase(x{le=~"1|2",job="{etcd}"}[75s])\n)',
    },
    {
      alert: 'Burning',
      for: '10m',
      keep_firing_for: '5m',
      labels: { urgency: 'page' },
      annotations: { summary: 'It burns' },
      expr: 'x > 1',
    },
  ],
};
const recording = {
  name: 'x:b:c',
  labels: { events: 'bad', sli: 'leader' },
  query: 'sum by (a) (increase(x{job="{etcd}",le=~"1|2"}[1m15s]))',
};
const alerting = {
  name: 'Burning',
  duration: 600,
  keepFiringFor: 300,
  labels: { urgency: 'page' },
  annotations: { summary: 'It burns' },
  query: 'x > 1',
};
const evaluated: EvaluatedGroup = { name: 'etcd-slo-events', interval: 60, rules: [recording, alerting] };

test('a group is the written one, however Prometheus spells it', () => {
  assert.equal(signatureOfEvaluated(evaluated), signatureOfWritten(written));
});

test('a group is the written one, in the order and with the label of Thanos rule', () => {
  const rules = [alerting, recording].map((rule) => ({ ...rule, labels: { ...rule.labels, rule_replica: 'a' } }));
  assert.equal(signatureOfEvaluated({ ...evaluated, rules }), signatureOfWritten(written));
});

for (const [what, change] of [
  ['interval', { interval: 30 }],
  ['name of a rule', { rules: [{ ...recording, name: 'x:b:d' }, alerting] }],
  ['label', { rules: [{ ...recording, labels: { events: 'all', sli: 'leader' } }, alerting] }],
  ['range', { rules: [{ ...recording, query: recording.query.replace('1m15s', '1m16s') }, alerting] }],
  ['matcher', { rules: [{ ...recording, query: recording.query.replace('1|2', '1|4') }, alerting] }],
  ['duration', { rules: [recording, { ...alerting, duration: 0 }] }],
  ['time to keep firing', { rules: [recording, { ...alerting, keepFiringFor: 0 }] }],
  ['annotation', { rules: [recording, { ...alerting, annotations: {} }] }],
  ['rule less', { rules: [recording] }],
] as const) {
  test(`a group with another ${what} is another one`, () => {
    const changed = { ...evaluated, ...change } as EvaluatedGroup;
    assert.notEqual(signatureOfEvaluated(changed), signatureOfWritten(written));
  });
}
