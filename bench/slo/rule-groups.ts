// Measures how long the groups of our rules take while all of them run, and how much they read.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../../slo/model/duration.ts';
import type { RuleFile } from '../../slo/generate/rules.ts';
import { median } from '../../slo/median.ts';
import { requireHealthy, type Evaluation, type Prometheus } from './prometheus.ts';
import { longestInterval } from './rewound.ts';

export interface GroupFigures {
  name: string;
  rules: number;
  /** In seconds, as in the generated rules. */
  interval: number;
  /** The number of series that its selectors match. A series counts once for each rule that reads it. */
  series: number;
  samples: number;
  peakSamples: number;
  /** The number of series that it records. */
  records: number;
  /** Rules with an empty result, which cost less than they would with data. */
  empty: string[];
  /** Seconds of the first evaluation, which creates the recorded series. */
  first: number;
  /** The median of the later evaluations, in seconds. */
  evaluation: number;
  evaluations: number;
  /** The share of the interval. */
  share: number;
  /** The most expensive rules. */
  dearest: Array<{ name: string; seconds: number }>;
}

/** Waits until every group has been evaluated `times` times. Returns each group's evaluations in order. */
export async function watch(
  prometheus: Prometheus,
  groups: string[],
  signal: AbortSignal,
  times = 2
): Promise<Map<string, Evaluation[]>> {
  const seen = new Map<string, Map<string, Evaluation>>(groups.map((name) => [name, new Map()]));
  const deadline = Date.now() + 3.5 * longestInterval * 1000;
  while (Date.now() < deadline && [...seen.values()].some((evaluations) => evaluations.size < times)) {
    await sleep(5000, undefined, { signal });
    for (const evaluation of await prometheus.evaluations()) {
      requireHealthy(evaluation);
      seen.get(evaluation.group)?.set(evaluation.at, evaluation);
    }
  }
  return new Map([...seen].map(([name, evaluations]) => [name, [...evaluations.values()]]));
}

/**
 * Returns the figures of each group of a file from its first and its later evaluations. At the time `at`, all series
 * that it reads exist.
 */
export async function groupFigures(
  { groups }: RuleFile,
  first: Map<string, number>,
  evaluations: Map<string, Evaluation[]>,
  prometheus: Prometheus,
  at: number
): Promise<GroupFigures[]> {
  const figures: GroupFigures[] = [];
  for (const group of groups) {
    const later = (evaluations.get(group.name) ?? []).slice(1); // the first one may overlap the first ones of other groups
    const evaluation = median(later.map(({ seconds }) => seconds));
    const interval = parseDuration(group.interval);
    const read = { series: 0, samples: 0, peakSamples: 0, records: 0, empty: [] as string[] };
    for (const rule of group.rules) {
      const { expr } = rule;
      // Series are counted on the server, because the answers would be a hundred megabytes.
      const answer = await prometheus.query(`count(\n${expr}\n)`, at);
      const found = [...answer.values.values()][0] ?? 0;
      if (found === 0) {
        read.empty.push('record' in rule ? rule.record : rule.alert);
      }
      read.records += found;
      read.samples += answer.samples;
      read.peakSamples = Math.max(read.peakSamples, answer.peakSamples);
      for (const selector of await prometheus.selectors(expr)) {
        read.series += [...(await prometheus.query(`count(${selector})`, at)).values.values()][0] ?? 0;
      }
    }
    figures.push({
      name: group.name,
      rules: group.rules.length,
      interval,
      ...read,
      first: first.get(group.name) ?? NaN,
      evaluation,
      evaluations: later.length,
      share: evaluation / interval,
      dearest: dearestRules(later),
    });
  }
  return figures;
}

function dearestRules(evaluations: Evaluation[]) {
  const [last] = evaluations.slice(-1);
  return (last?.rules ?? [])
    .map(({ name, query, seconds }) => ({ name: `${name} = ${query.replaceAll(/\s+/g, ' ').slice(0, 160)}`, seconds }))
    .sort((a, b) => b.seconds - a.seconds)
    .slice(0, 5);
}
