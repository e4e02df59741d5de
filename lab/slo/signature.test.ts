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
    { record: 'x:b:d', expr: 'sum_over_time((last_over_time(x:90m[90m] offset -75s) > 0)[64m:90s]) + y[14d]' },
    {
      alert: 'Burning',
      for: '10m',
      keep_firing_for: '5m',
      labels: { urgency: 'page', sli: '' },
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
const late: EvaluatedGroup['rules'][number] = {
  name: 'x:b:d',
  query: 'sum_over_time((last_over_time(x:90m[1h30m] offset -1m15s) > 0)[1h4m:1m30s]) + y[2w]',
};
const alerting = {
  name: 'Burning',
  duration: 600,
  keepFiringFor: 300,
  labels: { urgency: 'page' },
  annotations: { summary: 'It burns' },
  query: 'x > 1',
};
const evaluated: EvaluatedGroup = { name: 'etcd-slo-events', interval: 60, rules: [recording, late, alerting] };

test('a group equals the written one, however Prometheus formats it', () => {
  assert.equal(signatureOfEvaluated(evaluated), signatureOfWritten(written));
});

test('a group equals the written one, in the order and with the label of Thanos rule', () => {
  const rules = [alerting, late, recording].map((rule) => ({ ...rule, labels: { ...rule.labels, rule_replica: 'a' } }));
  assert.equal(signatureOfEvaluated({ ...evaluated, rules }), signatureOfWritten(written));
});

for (const [what, change] of [
  ['interval', { interval: 30 }],
  ['name of a rule', { rules: [{ ...recording, name: 'x:b:e' }, late, alerting] }],
  ['label', { rules: [{ ...recording, labels: { events: 'all', sli: 'leader' } }, late, alerting] }],
  ['range', { rules: [{ ...recording, query: recording.query.replace('1m15s', '1m16s') }, late, alerting] }],
  ['matcher', { rules: [{ ...recording, query: recording.query.replace('1|2', '1|4') }, late, alerting] }],
  ['duration', { rules: [recording, late, { ...alerting, duration: 0 }] }],
  ['time to keep firing', { rules: [recording, late, { ...alerting, keepFiringFor: 0 }] }],
  ['annotation', { rules: [recording, late, { ...alerting, annotations: {} }] }],
  ['time of a subquery', { rules: [recording, { ...late, query: late.query.replace('1h4m', '1h5m') }, alerting] }],
  ['number of rules', { rules: [recording, late] }],
] as const) {
  test(`a group with another ${what} is different`, () => {
    const changed = { ...evaluated, ...change } as EvaluatedGroup;
    assert.notEqual(signatureOfEvaluated(changed), signatureOfWritten(written));
  });
}
