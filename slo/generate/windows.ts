// The groups that sum events over the windows of burn rates, one group for each, and say how fast the error budget burns.
import { formatDuration } from '../model/duration.ts';
import type { Model } from '../model/model.ts';
import { by, indent, maxBy, on, union } from './promql.ts';
import type { RecordingRule } from './rules.ts';
import { burnRate, clusterLabels, events, expectedMembers, groupLabels, levels, target } from './series.ts';
import type { Timing } from './timing.ts';

/** Sums of a burn-rate window at every level, and each cluster's burn rate. */
export function windowRules(window: number, model: Model, timing: Timing): RecordingRule[] {
  return [...levels.map((level) => sum(level, window, timing)), burnRateRule(formatDuration(window), model)];
}

function sum(level: string, window: number, timing: Timing): RecordingRule {
  const source = window < timing.tiledFrom ? events(level) : events(level, timing.tileName);
  return {
    record: events(level, formatDuration(window)),
    expr: `sum_over_time(${source}[${formatDuration(window)}])`,
  };
}

/** The worst SLI of each objective, in units of what the target allows. Deleted clusters are dropped immediately. */
function burnRateRule(window: string, { minimumBadEvents }: Model): RecordingRule {
  const bad = `${events('cluster', window)}{events="bad"}`;
  const all = `(${events('cluster', window)}{events="all"} > 0)`;
  const ratio = union([`(${bad} >= ${minimumBadEvents}) / ignoring (events) ${all}`, `0 * ${all}`]);
  // The label sli stays, so that an alert can name the worst.
  return {
    record: burnRate(window),
    labels: { events: '' },
    expr: [
      worst([...clusterLabels, 'objective'], `\n${indent(ratio)}\n`),
      `/ ${on([...groupLabels, 'objective'])} group_left ()`,
      `(1 - ${target.resolved})`,
      `and ${on(clusterLabels)}`,
      expectedMembers,
    ].join('\n'),
  };
}

const worst: typeof maxBy = (labels, expr) => `topk ${by(labels)} (1, ${expr})`;
