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
import { by, countBy, on, union, withLabels } from './promql.ts';
import type { RecordingRule } from './rules.ts';
import {
  clusterCount,
  clusterLabels,
  expectedMembers,
  groupLabels,
  inventory,
  scrapedMembers,
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

/** Members that each cluster should have, by the inventory or else as many as are scraped. */
export const countMembers = (wanted: string, scraped: string) =>
  `max ${by(clusterLabels)} (${wanted})\nor\n${countBy(clusterLabels, scraped)}`;

const inventoryRules: RecordingRule[] = [
  { record: expectedMembers, expr: countMembers(inventory, scrapedMembers) },
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
