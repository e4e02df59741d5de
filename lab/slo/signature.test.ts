import assert from 'node:assert/strict';
import { test } from 'node:test';

import { signatureOfEvaluated, signatureOfWritten } from './signature.ts';

const written = {
  name: 'etcd-slo-events',
  interval: '1m',
  rules: [
    {
      record: 'a:b:c',
      labels: { sli: 'leader', events: 'bad' },
      expr: 'sum by (a) (\n  increase(x{le=~"1|2",job="{etcd}"}[75s])\n)',
    },
  ],
};
const evaluated = {
  name: 'etcd-slo-events',
  interval: 60,
  rules: [
    {
      name: 'a:b:c',
      labels: { events: 'bad', sli: 'leader' },
      query: 'sum by (a) (increase(x{job="{etcd}",le=~"1|2"}[1m15s]))',
    },
  ],
};

test('a group is the written one, however its reader spells expressions, intervals and labels', () => {
  assert.equal(signatureOfEvaluated(evaluated), signatureOfWritten(written));
});

for (const [what, change] of [
  ['interval', { interval: 30 }],
  ['name of a rule', { rules: [{ ...evaluated.rules[0], name: 'a:b:d' }] }],
  ['label', { rules: [{ ...evaluated.rules[0], labels: { events: 'all', sli: 'leader' } }] }],
  ['range', { rules: [{ ...evaluated.rules[0], query: evaluated.rules[0].query.replace('1m15s', '1m16s') }] }],
  ['threshold', { rules: [{ ...evaluated.rules[0], query: evaluated.rules[0].query.replace('1|2', '1|4') }] }],
  ['rule less', { rules: [] }],
] as const) {
  test(`a group with another ${what} is another one`, () => {
    assert.notEqual(signatureOfEvaluated({ ...evaluated, ...change } as typeof evaluated), signatureOfWritten(written));
  });
}
