// Definitions as OpenSLO v1 and back, and the OpenSLO of others.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { parse, stringify } from 'yaml';
import { writeFiles } from '../files.ts';
import { loadDefinitions, parseDefinitions, readDefinitions, type Definitions } from '../model/definitions.ts';
import { formatDuration } from '../model/duration.ts';
import { latencySlis, thresholdOf, type Model } from '../model/model.ts';
import { DefinitionError } from '../model/problem.ts';
import { checkRules } from '../promtool.ts';
import { scratchDirectory } from '../scratch.ts';
import { exportOpenSlo } from './export.ts';
import { importOpenSlo } from './import.ts';
import type { Document, DocumentOf } from './openslo.ts';

const definitions = loadDefinitions();
const { model } = definitions;
const exported = exportOpenSlo(definitions);
const textOf = (documents: unknown[]) => documents.map((document) => stringify(document)).join('---\n');
const slos = exported.documents.filter((document): document is DocumentOf<'SLO'> => document.kind === 'SLO');

// -------------------------------------------------------------------------------------------------------------- export

test('there is an SLO for each SLI of each objective and class', () => {
  const wanted = model.objectives.flatMap(({ name, slis }) =>
    model.classes.flatMap((of) => slis.map((sli) => `${name}-${of.name}-${sli}`))
  );
  assert.deepEqual(
    slos.map(({ metadata }) => metadata.name),
    wanted
  );
});

test('names are such that every implementation must take them', () => {
  for (const { kind, metadata } of exported.documents) {
    assert.match(metadata.name, /^[a-z0-9][a-z0-9-]{0,61}[a-z0-9]$/, `${kind} ${metadata.name}`);
  }
});

test('every policy that an SLO refers to is there', () => {
  const names = new Set(exported.documents.filter(({ kind }) => kind === 'AlertPolicy').map(nameOf));
  for (const { spec } of slos) {
    assert.equal(spec.alertPolicies?.length, model.burnRates.length);
    for (const policy of spec.alertPolicies ?? []) {
      assert.ok(typeof policy === 'object' && 'alertPolicyRef' in policy && names.has(policy.alertPolicyRef));
    }
  }
});

test('Prometheus accepts every query', async (t) => {
  const queries = slos.flatMap(({ spec }) => {
    const { good, bad, total } = spec.indicator!.spec.ratioMetric!;
    return [good, bad, total].flatMap((metric) => metric?.metricSource.spec.query ?? []);
  });
  assert.equal(queries.length, 2 * slos.length);
  const directory = scratchDirectory(t);
  const rules = queries.map((expr, index) => ({ record: `query:${index}:x`.replace(/:\d+/, `:q${index}`), expr }));
  writeFiles(directory, { 'queries.yaml': stringify({ groups: [{ name: 'queries', rules }] }) });
  const { ok, output } = await checkRules([path.join(directory, 'queries.yaml')]);
  assert.ok(ok, output);
});

test('what OpenSLO has no place for is listed with what to do about it', () => {
  const fields = exported.unmapped.map(({ field }) => field);
  for (const { name, slis } of model.objectives) {
    assert.equal(fields.includes(`objectives.${name}.slis`), slis.length > 1);
  }
  for (const name of [
    ...model.overrides.map((_, index) => `overrides.${index}`),
    ...model.burnRates.map((rate) => `burnRates.${rate.name}.short`),
    'minimumBadEvents',
    'slis.put-latency.sources',
  ]) {
    assert.ok(fields.includes(name), `${name} is not listed`);
  }
  assert.ok(exported.unmapped.every(({ why, remedy }) => why && remedy));
});

// ---------------------------------------------------------------------------------------------------------- round trip

test('definitions come back as they were, but for what is listed', () => {
  const { texts } = importOpenSlo(textOf(exported.documents), 'exported.yaml');
  const back = parseDefinitions({ ...readDefinitions(), ...texts });
  assert.deepEqual(comparable(back.model), comparable(withoutUnmapped(definitions)));
});

test('other targets, thresholds, burn rates and severities come back too', () => {
  const changed = structuredClone(definitions);
  const [of] = changed.model.classes;
  of.targets['etcd-availability'] = 0.9876;
  of.thresholds['read-latency'] = 0.1;
  of.severity.ticket = 'minor';
  Object.assign(changed.model.burnRates[0], { budget: 3, factor: 21.6 });
  const { texts } = importOpenSlo(textOf(exportOpenSlo(changed).documents), 'exported.yaml');
  const back = parseDefinitions({ ...readDefinitions(), ...texts });
  assert.deepEqual(comparable(back.model), comparable(withoutUnmapped(changed)));
});

/** What the export says that it leaves out. */
function withoutUnmapped({ model }: Definitions): Model {
  const inUse = (sli: string, thresholds: number[]) =>
    thresholds.filter((threshold) => model.classes.some((of) => of.thresholds[sli] === threshold));
  return {
    ...model,
    minimumBadEvents: 0,
    overrides: [],
    burnRates: model.burnRates.map((rate) => ({ ...rate, short: rate.long / 12 })),
    slis: model.slis.map((of) => {
      const { failsWhile: _, checks: __, ...kept } = { failsWhile: '', checks: [], ...of, symptom: of.title };
      const sli = kept as Model['slis'][number];
      return sli.kind === 'latency'
        ? { ...sli, sources: [{ ...sli.sources[0], thresholds: inUse(sli.name, sli.sources[0].thresholds) }] }
        : sli;
    }),
  };
}

/** The order of SLIs means nothing. */
const comparable = (of: Model) => ({ ...of, slis: of.slis.toSorted((a, b) => a.name.localeCompare(b.name)) });

// -------------------------------------------------------------------------------------------------------------- import

const prometheus = (query: string) => ({ metricSource: { type: 'Prometheus', spec: { query } } });

/** An SLO as others write it. */
function foreignSlo(changes: Record<string, unknown> = {}, ratioMetric?: object) {
  return {
    apiVersion: 'openslo/v1',
    kind: 'SLO',
    metadata: { name: 'checkout_Availability' },
    spec: {
      service: 'checkout',
      indicator: {
        metadata: { name: 'good-answers' },
        spec: {
          ratioMetric: ratioMetric ?? {
            counter: true,
            good: prometheus('sum(http_requests_total{job="checkout",code!~"5.."})'),
            total: prometheus('sum(http_requests_total{job="checkout"})'),
          },
        },
      },
      budgetingMethod: 'Occurrences',
      timeWindow: [{ duration: '4w', isRolling: true }],
      objectives: [{ targetPercent: 99.5 }],
      ...changes,
    },
  };
}

function imported(...documents: object[]) {
  const { texts, unmapped } = importOpenSlo(textOf(documents), 'foreign.yaml');
  const [slis, objectives, classes] = [texts['slis.yaml'], texts['objectives.yaml'], texts['classes.yaml']].map(
    (text) => parse(text)
  );
  return { slis: slis.slis, histograms: slis.histograms, objectives, classes: classes.classes, unmapped };
}

test('good events become bad ones where a matcher tells them apart', () => {
  const { slis, objectives, classes, unmapped } = imported(foreignSlo());
  assert.deepEqual(slis['good-answers'], {
    title: 'good-answers',
    description: 'Bad events of good-answers.',
    kind: 'ratio',
    bad: 'http_requests_total{job="checkout",code=~"5.."}',
    all: 'http_requests_total{job="checkout"}',
  });
  assert.deepEqual(objectives.objectives['checkout-availability'].slis, ['good-answers']);
  assert.equal(objectives.window, '28d');
  assert.deepEqual(classes.default.targets, { 'checkout-availability': 99.5 });
  assert.match(unmapped[0].why, /does not say for which class/);
});

test('a bucket of a histogram becomes a threshold', () => {
  const { slis, classes, histograms } = imported(
    foreignSlo(
      {},
      {
        good: prometheus('sum(rate(http_seconds_bucket{job="checkout",le="0.25"}[5m]))'),
        total: prometheus('sum(rate(http_seconds_count{job="checkout"}[5m]))'),
      }
    )
  );
  assert.deepEqual(slis['good-answers'].sources, [
    { histogram: 'http_seconds', where: 'job="checkout"', thresholds: ['250ms'] },
  ]);
  assert.deepEqual(classes.default.thresholds, { 'good-answers': '250ms' });
  assert.deepEqual(histograms, { http_seconds: ['250ms'] });
});

test('an SLI and a condition in documents of their own are found', () => {
  const { indicator, ...spec } = foreignSlo().spec;
  const slo = { ...foreignSlo(), spec: { ...spec, indicatorRef: 'good-answers', alertPolicies: ['quickly'] } };
  const header = { apiVersion: 'openslo/v1' };
  const { slis, objectives, classes } = imported(
    slo,
    { ...header, kind: 'SLI', ...indicator },
    {
      ...header,
      kind: 'AlertPolicy',
      metadata: { name: 'quickly' },
      spec: { conditions: [{ conditionRef: 'burning' }] },
    },
    {
      ...header,
      kind: 'AlertCondition',
      metadata: { name: 'burning' },
      spec: { severity: 'page', condition: { kind: 'burnrate', threshold: 13.44, lookbackWindow: '1h' } },
    }
  );
  assert.deepEqual(Object.keys(slis), ['good-answers']);
  assert.deepEqual(objectives.burnRates, [{ name: 'quickly', budget: 2, long: '1h', short: '5m', urgency: 'page' }]);
  assert.equal(classes.default.severity.page, 'page');
});

const query = prometheus('sum(up)');
const cases: Record<string, { document: object; field: RegExp; remedy: RegExp }> = {
  'slices of time': {
    document: foreignSlo({ budgetingMethod: 'Timeslices' }),
    field: /budgetingMethod/,
    remedy: /Left out\. Count bad events/,
  },
  'a threshold on a value': {
    document: foreignSlo({
      indicator: { metadata: { name: 'temperature' }, spec: { thresholdMetric: query } },
      objectives: [{ op: 'lte', value: 1, target: 0.9 }],
    }),
    field: /thresholdMetric/,
    remedy: /total and bad or good/,
  },
  'a ready ratio': {
    document: foreignSlo({}, { rawType: 'success', raw: query }),
    field: /raw/,
    remedy: /total and bad/,
  },
  'queries that are no sums of counters': {
    document: foreignSlo({}, { bad: prometheus('max(a) / b'), total: query }),
    field: /ratioMetric/,
    remedy: /slis\.yaml by hand/,
  },
  'good events that differ by more than a matcher': {
    document: foreignSlo({}, { good: prometheus('good_total'), total: prometheus('all_total') }),
    field: /ratioMetric/,
    remedy: /slis\.yaml by hand/,
  },
  'counters that are added up and not counted elsewhere': {
    document: foreignSlo({}, { bad: prometheus('a{x="1"} + b'), total: prometheus('c + d') }),
    field: /ratioMetric/,
    remedy: /Add an SLO for each/,
  },
  'a weighted composite': {
    document: foreignSlo({ objectives: [{ target: 0.9, indicatorRef: 'x', compositeWeight: 2 }] }),
    field: /objectives/,
    remedy: /an SLO for each SLI/,
  },
  'several targets': {
    document: foreignSlo({ objectives: [{ target: 0.9 }, { target: 0.99 }] }),
    field: /objectives/,
    remedy: /The first is taken/,
  },
  'a calendar': {
    document: foreignSlo({
      timeWindow: [{ duration: '1M', calendar: { startTime: '2026-01-01 00:00:00', timeZone: 'Asia/Shanghai' } }],
    }),
    field: /calendar/,
    remedy: /rolls/,
  },
  months: {
    document: foreignSlo({ timeWindow: [{ duration: '1M', isRolling: true }] }),
    field: /timeWindow/,
    remedy: /became 30d\. Write days/,
  },
  'an SLI that is not there': {
    document: foreignSlo({ indicator: undefined, indicatorRef: 'elsewhere' }),
    field: /indicatorRef/,
    remedy: /Add the document of the SLI/,
  },
  'a policy that is not there': {
    document: foreignSlo({ alertPolicies: [{ alertPolicyRef: 'elsewhere' }] }),
    field: /alertPolicies/,
    remedy: /Add the document of the policy/,
  },
  'where the data is': {
    document: {
      apiVersion: 'openslo/v1',
      kind: 'DataSource',
      metadata: { name: 'thanos' },
      spec: { type: 'Prometheus', connectionDetails: { url: 'http://thanos:9090' } },
    },
    field: /DataSource thanos/,
    remedy: /deploy/,
  },
};

for (const [what, { document, field, remedy }] of Object.entries(cases)) {
  test(`${what}: said to have no place`, () => {
    const { unmapped } = imported(document);
    const found = unmapped.find((one) => field.test(one.field) && remedy.test(one.remedy));
    assert.ok(found, `got ${JSON.stringify(unmapped, null, 2)}`);
  });
}

const policy = (spec: object, condition: object = {}) => ({
  apiVersion: 'openslo/v1',
  kind: 'AlertPolicy',
  metadata: { name: 'p' },
  spec: {
    conditions: [
      {
        kind: 'AlertCondition',
        metadata: { name: 'c' },
        spec: {
          severity: 'page',
          condition: { kind: 'burnrate', threshold: 6, lookbackWindow: '6h', alertAfter: '0m', ...condition },
        },
      },
    ],
    ...spec,
  },
});

test('of an alert it is said what has no place', () => {
  const fields = (document: object) => imported(document).unmapped.map((one) => one.field.split(': ')[1]);
  assert.deepEqual(fields(policy({})), ['conditions.0.lookbackWindow']);
  assert.ok(fields(policy({ alertWhenNoData: true })).includes('alertWhenNoData'));
  assert.ok(fields(policy({}, { alertAfter: '5m' })).includes('alertAfter'));
  assert.deepEqual(fields(policy({}, { op: 'lt' })), ['conditions.0']);
});

// -------------------------------------------------------------------------------------------------------------- errors

const refused: Record<string, { text: string; line: number; message: RegExp }> = {
  'another version': {
    text: 'apiVersion: openslo/v1alpha\nkind: SLO\n',
    line: 1,
    message: /openslo\/v1alpha is not read\. Write openslo\/v1/,
  },
  'an unknown kind': {
    text: 'apiVersion: openslo/v1\nkind: SLOO\n',
    line: 2,
    message: /SLOO is not a kind of OpenSLO\. Did you mean SLO\?/,
  },
  'a mistyped field in the second document': {
    text: textOf([foreignSlo(), foreignSlo({ budgetMethod: 'Occurrences' })]),
    line:
      textOf([foreignSlo(), foreignSlo()])
        .split('\n')
        .findLastIndex((line) => line === 'spec:') + 1,
    message: /budgetMethod/,
  },
  'text that is no YAML': { text: 'a: [', line: 1, message: /Correct the YAML/ },
};

for (const [what, { text, line, message }] of Object.entries(refused)) {
  test(`${what} is refused with its line`, () => {
    assert.throws(
      () => importOpenSlo(text, 'foreign.yaml'),
      (error: Error) => {
        assert.ok(error instanceof DefinitionError);
        const found = error.problems.find((problem) => message.test(problem.message));
        assert.ok(found, error.message);
        assert.equal(found.line, line);
        return true;
      }
    );
  });
}

function nameOf({ metadata }: Document) {
  return metadata.name;
}

test('the exported threshold of a class is the one that the rules use', () => {
  for (const sli of latencySlis(model)) {
    for (const of of model.classes) {
      const slo = slos.find(({ metadata }) => metadata.labels?.sli === sli.name && metadata.labels.spec === of.name)!;
      const { query } = slo.spec.indicator!.spec.ratioMetric!.good!.metricSource.spec;
      const threshold = thresholdOf(sli.sources[0], of.thresholds[sli.name])!;
      assert.match(query!, new RegExp(`le=~?"${threshold}[|"]`), `${sli.name}: ${formatDuration(threshold)}`);
    }
  }
});
