// The shape of the definition files. JSON Schemas for editors are generated from here; what spans fields and files is in
// checks.ts.
import { z } from 'zod';
import { datasourceUid } from '../../src/ids.ts';
import { durationPattern } from './duration.ts';
import { suggest } from './suggestion.ts';

/** The message for a value of another shape than wanted, or none at all. */
const wanted = (what: string, example: string) => ({
  error: ({ input }: { input?: unknown }) =>
    input === undefined
      ? `is missing. Write ${what}, for example ${example}.`
      : `${JSON.stringify(input)} is not ${what}. Write for example ${example}.`,
});

/** A mapping with just these fields. */
function fields<Shape extends z.ZodRawShape>(shape: Shape) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `${key} is not a field here. ${suggest(key, known)}`).join(' ')
        : wanted(`a mapping with the fields ${known.join(', ')}`, `${known[0]}: …`).error(issue),
  });
}

const namePattern = /^[a-z][a-z0-9-]*$/;

const name = (() => {
  const message = wanted('a name of small letters, digits and dashes', 'read-latency');
  return z.string(message).regex(namePattern, message);
})();

/** A mapping from names to values. */
function named<Value extends z.ZodType>(what: string, value: Value) {
  return z.record(name, value, {
    error: (issue) =>
      issue.code === 'invalid_key'
        ? `is not a name. Use small letters, digits and dashes, for example read-latency.`
        : wanted(`a mapping from names to ${what}`, `read-latency: …`).error(issue),
  });
}

function list<Item extends z.ZodType>(what: string, example: string, item: Item) {
  return z
    .array(item, wanted(`a list of ${what}`, example))
    .min(1, wanted(`a list of at least one of ${what}`, example));
}

const text = (what: string, example: string) =>
  z.string(wanted(what, example)).trim().min(1, wanted(what, example)).describe(what);

function duration(example: string) {
  const message = wanted('a duration with a unit of ms, s, m, h or d', example);
  return z.string(message).regex(durationPattern, message);
}

const percent = (() => {
  const message = wanted('a percentage above 0 and below 100', '99.9');
  return z.number(message).gt(0, message).lt(100, message);
})();

const title = text('a short title', 'Read latency');
const description = text('a sentence that says what it means', 'Range requests that failed');

// ------------------------------------------------------------------------------------------------------------ slis.yaml

const sliBase = {
  title,
  description: description.describe('When an event is bad, in a sentence.'),
  symptom: text('a few words that say in an alert what is wrong', 'no quorum').optional(),
};

const selector = (example: string) => text('a selector of counters: a metric name and label matchers', example);

const latencySource = fields({
  histogram: text('the name of a histogram without _bucket', 'grpc_server_handling_seconds'),
  where: text('label matchers that its series must have', 'grpc_method="Put"').optional(),
  thresholds: list('bucket edges that a class may choose', '[100ms, 250ms]', duration('250ms')).describe(
    'The bucket edges that the rules read, ascending; a class chooses one of them.'
  ),
});

const sliKinds = {
  ratio: fields({
    ...sliBase,
    kind: z.literal('ratio'),
    bad: selector('grpc_server_handled_total{grpc_method="Range",grpc_code="Unavailable"}'),
    all: selector('grpc_server_started_total{grpc_method="Range"}'),
    failsWhile: name
      .optional()
      .describe('An SLI of kind state: while it is bad, as many requests as usual count as failed.'),
  }),
  latency: fields({
    ...sliBase,
    kind: z.literal('latency'),
    sources: list('sources with the fields histogram, where, thresholds', '- histogram: …', latencySource).describe(
      'In order of preference: a cluster is measured by the first one that it has.'
    ),
  }),
  state: fields({
    ...sliBase,
    kind: z.literal('state'),
    badWhile: text(
      'a PromQL expression for each cluster that is 1 while it is bad and else 0',
      'max by ($cluster) (etcd_server_has_leader) == bool 0'
    ),
    checks: list('names of checks', '[alarms, membership]', name)
      .optional()
      .describe('The inspections that it counts: $checks in badWhile. The others open tickets of their own.'),
  }),
  sum: fields({
    ...sliBase,
    kind: z.literal('sum'),
    of: list('names of SLIs of kind ratio', '[read-errors, write-errors]', name),
  }),
  scrapes: fields({ ...sliBase, kind: z.literal('scrapes') }),
};

const sli = z.discriminatedUnion(
  'kind',
  [sliKinds.ratio, sliKinds.latency, sliKinds.state, sliKinds.sum, sliKinds.scrapes],
  {
    error: ({ input }) => {
      const kind = (input as { kind?: unknown } | null | undefined)?.kind;
      const kinds = Object.keys(sliKinds);
      return kind === undefined
        ? `has no kind. Write kind: and one of ${kinds.join(', ')}.`
        : `${String(kind)} is not a kind of SLI. ${suggest(String(kind), kinds)}`;
    },
  }
);

export const slisFile = fields({
  slis: named('SLIs', sli),
  histograms: z
    .record(z.string(), list('bucket edges', '[1ms, 2ms, 4ms]', duration('4ms')), wanted('a mapping', 'name: [1ms]'))
    .describe('The bucket edges of each histogram, ascending, without +Inf.'),
});

// ------------------------------------------------------------------------------------------------------ objectives.yaml

export const urgencies = ['page', 'ticket'] as const;

const burnRate = fields({
  name,
  budget: percent.describe('Percent of the error budget that burn within `long` when the alert fires.'),
  long: duration('1h').describe('The window that decides.'),
  short: duration('5m').describe('The window that lets the alert end soon.'),
  urgency: z.enum(urgencies, wanted('page or ticket', 'page')),
});

/** What `manyClusters` is when nobody says. */
export const defaultManyClusters = 20;

export const objectivesFile = fields({
  objectives: named(
    'objectives',
    fields({ title, description, slis: list('names of SLIs', '[read-errors, read-latency]', name) })
  ),
  window: duration('30d').describe('The time that the error budget is for.'),
  minimumBadEvents: z
    .number(wanted('a number of events', '3'))
    .min(0, wanted('a number of events', '3'))
    .describe('Fewer bad events in a window do not burn.'),
  manyClusters: z
    .int(wanted('a whole number of clusters', '20'))
    .min(2, wanted('a whole number of clusters from 2 on', '20'))
    .default(defaultManyClusters)
    .describe('From how many clusters of a region on a fast burn is one alert about the region.'),
  burnRates: list('burn-rate alerts', '- { name: fast, budget: 2, long: 1h, short: 5m, urgency: page }', burnRate),
});

// --------------------------------------------------------------------------------------------------------- classes.yaml

const targets = named('percentages', percent).describe('Percent of good events, for each objective.');
const thresholds = named('durations', duration('250ms')).describe('The longest good latency, for each latency SLI.');
const severity = text('a severity', 'critical');
const label = (example: string) => text('a value of the label of that name', example).optional();

export const classesFile = fields({
  classes: named('classes', fields({ targets, thresholds, severity: fields({ page: severity, ticket: severity }) })),
  overrides: z
    .array(
      fields({
        product: label('tke'),
        scene: label('big-customer'),
        spec: label('large'),
        reason: text('why these clusters differ', 'their contract names writes'),
        targets: targets.optional(),
        thresholds: thresholds.optional(),
      }),
      wanted('a list of overrides', '- { product: tke, reason: …, targets: { … } }')
    )
    .default([]),
});

// ------------------------------------------------------------------------------------------------------ deployment.yaml

const url = (example: string) => z.url({ protocol: /^https?$/, ...wanted('an http or https URL', example) });

const clusters = wanted('a whole number of clusters', '20000');

export const deploymentFile = fields({
  scrapeInterval: duration('15s').describe('How often the members are scraped.'),
  step: duration('1m').describe('How often events are counted: a multiple of scrapeInterval.'),
  maxClusters: z.int(clusters).min(1, clusters).describe('Clusters that one Prometheus may have.'),
  grafanaUrl: url('https://grafana.example.com').describe('Where the links of alerts lead.'),
  datasource: text('the uid of the datasource in Grafana', datasourceUid).default(datasourceUid),
  runbookUrl: url('https://example.com/runbooks').describe('The page of docs/runbooks.md.'),
});

/** Every definition file by the name of its file in slo/definitions. */
export const definitionFiles = {
  'slis.yaml': slisFile,
  'objectives.yaml': objectivesFile,
  'classes.yaml': classesFile,
  'deployment.yaml': deploymentFile,
};

export type SlisFile = z.output<typeof slisFile>;
export type ObjectivesFile = z.output<typeof objectivesFile>;
export type ClassesFile = z.output<typeof classesFile>;
export type DeploymentFile = z.output<typeof deploymentFile>;
export type Urgency = (typeof urgencies)[number];
