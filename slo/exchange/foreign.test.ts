// What files of others hold beside the examples of the specification: empty keys, lists, like names, broken policies.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { DefinitionError } from '../model/problem.ts';
import { importOpenSlo } from './import.ts';

const metric = (query: string) => ({ metricSource: { type: 'Prometheus', spec: { query } } });
const increase = (selector: string) => metric(`sum(increase(${selector}[1m]))`);

interface SloParts {
  indicator?: string;
  service?: string;
  window?: string;
  spec?: object;
  metadata?: object;
}

function slo(name: string, { indicator = `${name}-errors`, service = 'shop', window = '30d', ...more }: SloParts = {}) {
  const counter = `${service}_requests_total`;
  return {
    apiVersion: 'openslo/v1',
    kind: 'SLO',
    metadata: { name, ...more.metadata },
    spec: {
      service,
      indicator: {
        metadata: { name: indicator },
        spec: { ratioMetric: { counter: true, bad: increase(`${counter}{code=~"5.."}`), total: increase(counter) } },
      },
      timeWindow: [{ duration: window, isRolling: true }],
      budgetingMethod: 'Occurrences',
      objectives: [{ target: 0.999 }],
      ...more.spec,
    },
  };
}

const condition = (name: string, of: object) => ({
  kind: 'AlertCondition',
  metadata: { name },
  spec: { severity: 'page', condition: { kind: 'burnrate', op: 'gte', threshold: 14.4, ...of } },
});

const policy = (conditions: object[], spec: object = {}) => ({
  apiVersion: 'openslo/v1',
  kind: 'AlertPolicy',
  metadata: { name: 'fast' },
  spec: { alertWhenBreaching: true, conditions, notificationTargets: [], ...spec },
});

const textOf = (...documents: unknown[]) => documents.map((document) => stringify(document)).join('---\n');

function imported(text: string) {
  const { texts, unmapped } = importOpenSlo(text, 'foreign.yaml');
  const [slis, objectives, classes] = [texts['slis.yaml'], texts['objectives.yaml'], texts['classes.yaml']].map(
    (file) => parse(file)
  );
  return {
    slis: slis.slis,
    objectives: objectives.objectives,
    window: objectives.window,
    burnRates: objectives.burnRates,
    targets: classes.classes.default?.targets,
    notes: unmapped.map(({ field, why, remedy }) => `${field}: ${why} ${remedy}`),
  };
}

const [plain, plainText] = [imported(textOf(slo('shop-answers'))), textOf(slo('shop-answers'))];

test('the plain form of an SLO is read', () => {
  assert.deepEqual(plain.targets, { 'shop-answers': 99.9 });
  assert.equal(plain.window, '30d');
});

const nulls = { labels: null, annotations: null };
const sameAsPlain: Record<string, string> = {
  'keys without a value': textOf(
    slo('shop-answers', { metadata: nulls, spec: { description: null, alertPolicies: null } })
  ),
  'a list at the root': stringify([
    { apiVersion: 'openslo/v1', kind: 'Service', metadata: { name: 'shop' }, spec: {} },
    slo('shop-answers'),
  ]),
  "Kubernetes' List": stringify({ apiVersion: 'v1', kind: 'List', items: [slo('shop-answers')] }),
  'separators before and after': `---\n${plainText}---\n`,
  'documents of comments only': `# first\n---\n${plainText}---\n# last\n...\n`,
  'a byte order mark': `\uFEFF${plainText}`,
  'line ends of Windows': plainText.replaceAll('\n', '\r\n'),
  'a service without a spec': textOf(
    { apiVersion: 'openslo/v1', kind: 'Service', metadata: { name: 'shop' }, spec: null },
    slo('shop-answers')
  ),
};

for (const [what, text] of Object.entries(sameAsPlain)) {
  test(`${what} change nothing of what is imported`, () => assert.deepEqual(imported(text), plain));
}

test('like-named indicators of different counters are two SLIs, and it is said', () => {
  const { slis, objectives, notes } = imported(
    textOf(
      slo('shop-answers', { indicator: 'errors' }),
      slo('login-answers', { indicator: 'errors', service: 'login' })
    )
  );
  assert.deepEqual(Object.keys(slis), ['errors', 'login-answers-errors']);
  assert.equal(slis.errors.all, 'shop_requests_total');
  assert.equal(slis['login-answers-errors'].all, 'login_requests_total');
  assert.deepEqual(objectives['login-answers'].slis, ['login-answers-errors']);
  assert.ok(notes.some((note) => /login-answers: indicator: The SLO shop-answers has another indicator/.test(note)));
});

test('two thresholds of one histogram are two SLIs, not the last one', () => {
  const latency = (le: string) => ({
    indicator: {
      metadata: { name: 'slow' },
      spec: {
        ratioMetric: { good: increase(`http_seconds_bucket{le="${le}"}`), total: increase('http_seconds_count') },
      },
    },
  });
  const { slis } = imported(textOf(slo('quick', { spec: latency('0.25') }), slo('patient', { spec: latency('1') })));
  assert.deepEqual(
    Object.values(slis as Record<string, { sources: Array<{ thresholds: string[] }> }>).map(
      ({ sources }) => sources[0].thresholds
    ),
    [['250ms'], ['1s']]
  );
});

test('the longest window is taken whatever the order, and it is said whose was not', () => {
  const documents = [
    slo('shop-month', { window: '28d', spec: { alertPolicies: [{ alertPolicyRef: 'fast' }] } }),
    slo('login-week', { window: '7d', service: 'login' }),
    policy([condition('fast', { lookbackWindow: '1h', alertAfter: '0m' })]),
  ];
  for (const order of [documents, documents.toReversed()]) {
    const { window, burnRates, notes } = imported(textOf(...order));
    assert.equal(window, '28d');
    assert.equal(Number(burnRates[0].budget.toFixed(2)), 2.14);
    assert.ok(notes.some((note) => /login-week: timeWindow: .*28d of the SLO shop-month .* 7d is left out/.test(note)));
  }
});

test('a long and a short condition become one burn rate, and windows that look back have a length', () => {
  const { burnRates, targets, notes } = imported(
    textOf(
      policy([
        condition('long', { lookbackWindow: '-1h', alertAfter: '-5m' }),
        condition('short', { lookbackWindow: '-5m', alertAfter: '-5m' }),
      ]),
      slo('shop-answers')
    )
  );
  assert.deepEqual(burnRates, [{ name: 'fast', budget: 2, long: '1h', short: '5m', urgency: 'page' }]);
  assert.deepEqual(targets, { 'shop-answers': 99.9 });
  assert.ok(notes.some((note) => /AlertPolicy fast: conditions\.0\.lookbackWindow/.test(note)));
  assert.ok(notes.some((note) => /AlertPolicy fast: alertAfter: .*dropped/.test(note)));
});

test('a condition that has no place beside others is left out with a note', () => {
  const { burnRates, notes } = imported(
    textOf(
      policy([condition('a', { lookbackWindow: '1h' }), condition('b', { threshold: 6, lookbackWindow: '6h' })]),
      slo('shop-answers')
    )
  );
  assert.equal(burnRates[0].long, '6h');
  assert.ok(
    notes.some((note) => /AlertPolicy fast: conditions: .*The condition of 1h and 14\.4 is left out/.test(note))
  );
});

for (const [what, broken] of Object.entries({
  'a document of its own': textOf(slo('shop-answers'), policy([], { conditions: 'all' })),
  'a policy inside of the SLO': textOf(
    slo('shop-answers', { spec: { alertPolicies: [{ kind: 'AlertPolicy', metadata: { name: 'fast' }, spec: {} }] } })
  ),
  'a data source without a name': textOf(slo('shop-answers'), {
    apiVersion: 'openslo/v1',
    kind: 'DataSource',
    spec: {},
  }),
})) {
  test(`a mistake in ${what} costs only itself, and its line is said`, () => {
    const { targets, notes } = imported(broken);
    assert.deepEqual(targets, { 'shop-answers': 99.9 });
    assert.ok(
      notes.some((note) => /foreign\.yaml:\d+: .*Left out\.$/.test(note)),
      notes.join('\n')
    );
  });
}

for (const [what, text, message] of [
  ['two documents of one name', textOf(slo('a'), slo('a')), /There is another SLO a in the file\. Rename/],
  ['an SLO without a target', textOf(slo('a', { spec: { objectives: [{ displayName: 'x' }] } })), /Write target/],
  ['an empty file', '# nothing\n---\n', /is empty\. Name a file/],
  ['a list with an entry that is no document', stringify([slo('a'), 'text']), /apiVersion: is missing/],
  ['an alias of itself', 'apiVersion: openslo/v1\nkind: SLO\nmetadata: &a { name: a, labels: *a }\n', /alias/],
] as const) {
  test(`${what} is refused with line and remedy`, () => {
    assert.throws(
      () => importOpenSlo(text, 'foreign.yaml'),
      (error: Error) => {
        assert.ok(error instanceof DefinitionError);
        assert.match(error.message, message);
        assert.match(error.message, /^foreign\.yaml:\d+: /);
        return true;
      }
    );
  });
}

const testdata = (file: string) => readFileSync(new URL(`./testdata/${file}`, import.meta.url), 'utf8');

for (const file of ['list-at-root.yaml', 'empty-keys.yaml', 'trailing-separator.yaml', 'windows-that-look-back.yaml']) {
  test(`the SLO of ${file} is imported`, () => {
    const { slis, window, targets } = imported(testdata(file));
    assert.deepEqual(targets, { 'shop-answers': 99.9 });
    assert.equal(window, '30d');
    assert.equal(slis['shop-errors'].all, 'http_requests_total');
    assert.equal(slis['shop-errors'].bad, 'http_requests_total{code=~"5.."}');
  });
}

test('of the policy in windows-that-look-back.yaml it is said what has no place', () => {
  const { burnRates, notes } = imported(testdata('windows-that-look-back.yaml'));
  assert.deepEqual(burnRates, [{ name: 'fast', budget: 2, long: '1h', short: '5m', urgency: 'page' }]);
  assert.equal(notes.filter((note) => note.startsWith('AlertPolicy fast: ')).length, 4);
});

test('the two SLOs of like-named-indicators.yaml keep their own counters', () => {
  const { slis, objectives } = imported(testdata('like-named-indicators.yaml'));
  for (const [objective, counter] of [
    ['shop-answers', 'shop_requests_total'],
    ['login-answers', 'login_requests_total'],
  ]) {
    const [sli, ...others] = objectives[objective].slis;
    assert.equal(slis[sli].all, counter);
    assert.deepEqual(others, []);
  }
});

test('two-windows.yaml gives the same in any order, and it is said whose window is left out', () => {
  const documents = testdata('two-windows.yaml').split('---\n');
  const [first, second, ...others] = documents;
  for (const order of [documents, [second, first, ...others]]) {
    const { window, burnRates, notes } = imported(order.join('---\n'));
    assert.equal(window, '28d');
    assert.equal(Number(burnRates[0].budget.toFixed(2)), 2.14);
    assert.ok(notes.some((note) => /^SLO login-week: timeWindow: .* 7d is left out/.test(note)));
  }
});

test('names that JavaScript knows are names like any other', () => {
  const { objectives, slis } = imported(textOf(slo('constructor', { indicator: 'hasOwnProperty' }), slo('数据')));
  assert.deepEqual(Object.keys(objectives), ['constructor', 'imported']);
  assert.equal(Object.keys(slis).length, 2);
});
