import assert from 'node:assert/strict';
import { test } from 'node:test';
import { loadDefinitions } from '../model/definitions.ts';
import { faultCodes } from './fault-codes.ts';
import { metricNames } from './metric-names.ts';
import { alternatives, formatSelector, parseSelector } from './selector.ts';
import { parsePromql } from './tree.ts';

for (const [text, selector] of [
  ['up', 'up'],
  ['a:b { x = "1", y=~"p|q", }', 'a:b{x="1",y=~"p|q"}'],
  ['a{x="}\\" , y=\\"2"}', 'a{x="}\\" , y=\\"2"}'],
] as const) {
  test(`${text} is a selector`, () => assert.equal(formatSelector(parseSelector(text)!), selector));
}

for (const text of ['', 'a{x=1}', 'a{x="1" y="2"}', 'rate(a[5m])', 'a + b', '{x="1"}', 'a[5m]', 'a offset 5m']) {
  test(`${text || 'nothing'} is not a plain selector`, () => assert.equal(parseSelector(text), undefined));
}

for (const text of ['a +', 'sum(a', 'a{x="1"', 'a b']) {
  test(`${text} is not an expression`, () => assert.equal(parsePromql(text), undefined));
}

test('metrics are what selectors name, in dashboards too', () => {
  const expr = `sum by (le, by_label) (rate(a_total{x="b_total",y=~"$region"}[$__rate_interval]))
    / on (c_label) group_left (d_label) e:f:g > bool \${limit} or topk($k, h offset -5m) and Inf`;
  assert.deepEqual(metricNames(expr), ['a_total', 'e:f:g', 'h']);
});

test('alternatives are the values of a matcher', () => {
  assert.deepEqual(alternatives('a{x=~"p|q",y="r"}', 'x'), ['p', 'q']);
  assert.deepEqual(alternatives('a{x=~"p|q",y="r"}', 'z'), []);
});

test('the service is at fault where it does not answer, and not where the caller gives up', () => {
  const codes = faultCodes(loadDefinitions().model);
  assert.ok(codes.includes('Unavailable'));
  assert.ok(!codes.includes('Canceled'));
});
