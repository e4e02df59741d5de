// The groups that sum events over windows, one group for each, and say how fast the error budget burns.
import { formatDuration } from '../model/duration.ts';
import type { Model } from '../model/model.ts';
import { indent, maxBy, on, union } from './promql.ts';
import type { RecordingRule } from './rules.ts';
import {
  burnRate,
  clusterLabels,
  events,
  expectedMembers,
  groupLabels,
  remainingBudget,
  rollUps,
  target,
} from './series.ts';
import type { Timing } from './timing.ts';

const levels = ['cluster', ...rollUps.map(({ level }) => level)];

/** Sums of a burn-rate window at every level, and each cluster's burn rate. */
export function windowRules(window: number, model: Model, timing: Timing): RecordingRule[] {
  return [...levels.map((level) => sum(level, window, timing)), burnRateRule(formatDuration(window), model)];
}

/**
 * Exact sums of a tile's time, from which the long windows are made: few samples instead of one for each step. The sums
 * of clusters over the whole window read the most, so they are made here, where the group is evaluated seldom.
 */
export function tileRules(model: Model, timing: Timing): RecordingRule[] {
  const tiles = levels.map((level) => ({
    record: events(level, timing.tileName),
    expr: `sum_over_time(${events(level)}[${formatDuration(timing.tile)}])`,
  }));
  return [...tiles, sum('cluster', model.window, timing)];
}

/** Sums of the error budget's window for groups of clusters, and what each cluster has left of its budget. */
export function budgetRules(model: Model, timing: Timing): RecordingRule[] {
  const window = formatDuration(model.window);
  const latest = (kind: string) =>
    // Written once a tile, and a tile may be missed.
    `last_over_time(${events('cluster', window)}{events="${kind}"}[${formatDuration(2.5 * timing.tile)}])`;
  const spent = `${latest('bad')}\n/ ignoring (events)\n(${latest('all')} > 0)`;
  return [
    ...rollUps.map(({ level }) => sum(level, model.window, timing)),
    { record: remainingBudget(window), expr: `1 - ${ofObjective(spent)}` },
  ];
}

function sum(level: string, window: number, timing: Timing): RecordingRule {
  const source = window < timing.tiledFrom ? events(level) : events(level, timing.tileName);
  return {
    record: events(level, formatDuration(window)),
    expr: `sum_over_time(${source}[${formatDuration(window)}])`,
  };
}

function burnRateRule(window: string, { minimumBadEvents }: Model): RecordingRule {
  const bad = `${events('cluster', window)}{events="bad"}`;
  const all = `(${events('cluster', window)}{events="all"} > 0)`;
  const ratio = union([`(${bad} >= ${minimumBadEvents}) / ignoring (events) ${all}`, `0 * ${all}`]);
  return { record: burnRate(window), expr: ofObjective(ratio) };
}

/** The worst SLI of each objective, in units of what the target allows. Clusters that are gone leave at once. */
function ofObjective(ratioOfSlis: string): string {
  return [
    maxBy([...clusterLabels, 'objective'], `\n${indent(ratioOfSlis)}\n`),
    `/ ${on([...groupLabels, 'objective'])} group_left ()`,
    `(1 - ${target.resolved})`,
    `and ${on(clusterLabels)}`,
    expectedMembers,
  ].join('\n');
}
