// The group that tells what is promised to which clusters. Classes and overrides are constants, one rule for each, and
// the rules that choose among them name none: a new class or override changes no other rule's text.
import {
  latencySlis,
  overrideLabels,
  overrideLevels,
  thresholdOf,
  type Model,
  type OverrideLabel,
  type Promises,
} from '../model/model.ts';
import { by, countBy, indent, maxBy, on, union, withLabels } from './promql.ts';
import type { RecordingRule } from './rules.ts';
import {
  clusterCount,
  clusterLabels,
  expectedMembers,
  groupLabels,
  inventory,
  onboarded,
  scrapedMembers,
  seenMembers,
  target,
  threshold,
} from './series.ts';

/** A value for each label set of a key such as {objective}. */
type Constants = Array<{ labels: Record<string, string>; value: number }>;

/** The clusters that there are, and what is promised to each group of them. */
export function promiseRules(model: Model): RecordingRule[] {
  return [
    ...inventoryRules,
    ...promised(target, ['objective'], model, (promises) => targetsOf(promises)),
    ...promised(threshold, ['sli', 'histogram'], model, (promises) => thresholdsOf(promises, model)),
    edgeRule,
  ];
}

type Select = (selector: string) => string;
const everything: Select = (selector) => selector;

/** Members that each cluster should have, by the inventory or else as many as have targets. */
export const wantedMembers = (select = everything) =>
  union([maxBy(clusterLabels, select(inventory)), countBy(clusterLabels, select(scrapedMembers))]);

/**
 * The same of clusters that count: not of those that are being onboarded, of which a quorum was never seen. The operator may
 * be restarting; one that is older does not say, and then every cluster counts.
 */
export const countedMembers = (select = everything) =>
  `(${wantedMembers(select)})\nunless ${on(clusterLabels)}\n(${maxBy(clusterLabels, `last_over_time(${select(onboarded.quorum)}[10m])`)} == 0)`;

/**
 * Members that were scraped well at least once, as the operator remembers them. Where it does not, the rule remembers by
 * itself for as long as Prometheus runs. No more than the cluster should have: one that was removed is not missed.
 */
const seen = (() => {
  const now = withLabels(countBy(clusterLabels, `${scrapedMembers} == 1`), { of: 'now' });
  const before = `last_over_time(${seenMembers}[1h])`;
  const remembered = maxBy(clusterLabels, `\n${indent(union([now, before, `0 * (${wantedMembers()})`]))}\n`);
  // The label keeps what is seen and what is wanted apart, of which the smaller counts.
  const known = `label_replace(\n${indent(union([maxBy(clusterLabels, onboarded.members), remembered]))},\n  "of", "seen", "", ""\n)`;
  return `min ${by(clusterLabels)} (\n${indent(union([known, wantedMembers()]))}\n)`;
})();

const inventoryRules: RecordingRule[] = [
  { record: seenMembers, expr: seen },
  { record: expectedMembers, expr: countedMembers() },
  { record: clusterCount, expr: countBy(groupLabels, expectedMembers) },
];

/** The constants of one kind of promise, its keys for each group of clusters, and the choice of the most specific. */
function promised(
  names: typeof target,
  keys: string[],
  model: Model,
  constantsOf: (promises: Promises) => Constants
): RecordingRule[] {
  const classes = model.classes.map((promises) => ({
    record: names.ofClass,
    labels: { spec: promises.name },
    expr: constants(constantsOf(promises)),
  }));
  const overrides = model.overrides
    .filter((override) => constantsOf(override).length > 0)
    .map((override) => ({
      record: names.override,
      labels: {
        ...override.where,
        level: levelOf(overrideLabels.filter((label) => override.where[label] !== undefined)),
      },
      expr: constants(constantsOf(override)),
    }));
  const allKeys = constantsOf(model.classes[0]).map(({ labels }) => labels);
  return [
    ...classes,
    ...overrides,
    { record: names.key, expr: union(allKeys.map((labels) => withLabels(clusterCount, labels))) },
    { record: names.resolved, expr: mostSpecific(names, keys) },
  ];
}

const targetsOf = ({ targets }: Promises): Constants =>
  Object.entries(targets).map(([objective, value]) => ({ labels: { objective }, value }));

const thresholdsOf = ({ thresholds }: Promises, model: Model): Constants =>
  latencySlis(model)
    .filter((sli) => sli.name in thresholds)
    .flatMap((sli) =>
      sli.sources.map((source) => ({
        labels: { sli: sli.name, histogram: source.histogram },
        value: thresholdOf(source, thresholds[sli.name])!,
      }))
    );

const constants = (values: Constants) =>
  union(values.map(({ value, labels }) => withLabels(`vector(${value})`, labels)));

/** For each group and key the override of the first level that has one, else the class's constant. */
function mostSpecific(names: typeof target, keys: string[]): string {
  const choice = (labels: string[], constant: string) =>
    `0 * ${names.key} + ${on([...labels, ...keys])} group_left () ${constant}`;
  return union([
    ...overrideLevels.map((labels) => choice(labels, `${names.override}{level="${levelOf(labels)}"}`)),
    choice(['spec'], names.ofClass),
  ]);
}

const levelOf = (labels: readonly OverrideLabel[]) => labels.join('+');

/**
 * Thresholds as the label le, which buckets have. Whole seconds are there in both spellings: Prometheus 2 keeps le="1",
 * Prometheus 3 writes le="1.0".
 */
const edgeRule: RecordingRule = (() => {
  const edges = `count_values ${by([...groupLabels, 'sli', 'histogram'])} ("le", ${threshold.resolved})`;
  return { record: threshold.edge, expr: union([edges, `label_replace(${edges}, "le", "$1.0", "le", "([0-9]+)")`]) };
})();
