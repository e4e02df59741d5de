// Measures the cost of generators with one rule set per cluster, for the same objectives. Their rules for a sample of
// the clusters are evaluated on the same data, and the result is scaled to the fleet.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../../slo/model/duration.ts';
import type { RuleFile } from '../../slo/generate/rules.ts';
import type { Prometheus } from './prometheus.ts';
import { median } from '../../slo/median.ts';
import { rewound } from './rewound.ts';

export interface RuleSetFigures {
  name: string;
  /** The number of evaluated clusters. */
  clusters: number;
  rules: number;
  /** Rules and seconds of evaluation per minute at the size of the whole fleet. */
  rulesOfFleet: number;
  secondsPerMinute: number;
}

/** Seconds in which every group is evaluated twice. */
const watching = 2 * 150 + 60;

export async function ruleSetFigures(
  name: string,
  rules: RuleFile,
  clusters: number,
  fleet: number,
  prometheus: Prometheus,
  rewind: number,
  signal: AbortSignal
): Promise<RuleSetFigures> {
  await prometheus.load({ [`${name.toLowerCase()}.yaml`]: rewound(rules, rewind) });
  const seconds = new Map<string, Map<string, number>>(rules.groups.map((group) => [group.name, new Map()]));
  const deadline = Date.now() + watching * 1000;
  while (Date.now() < deadline && [...seconds.values()].some((evaluations) => evaluations.size < 2)) {
    await sleep(10_000, undefined, { signal });
    for (const { group, at, seconds: taken } of await prometheus.evaluations()) {
      seconds.get(group)?.set(at, taken);
    }
  }
  const unseen = [...seconds].filter(([, evaluations]) => evaluations.size === 0);
  if (unseen.length > 0) {
    console.log(`${name}: ${unseen.length} of ${seconds.size} groups were not evaluated in time and are not counted.`);
  }
  const perMinute = rules.groups.reduce((sum, group) => {
    const evaluations = [...seconds.get(group.name)!.values()];
    return evaluations.length === 0 ? sum : sum + (median(evaluations) * 60) / parseDuration(group.interval);
  }, 0);
  const count = rules.groups.reduce((sum, group) => sum + group.rules.length, 0);
  const scale = fleet / clusters;
  return { name, clusters, rules: count, rulesOfFleet: count * scale, secondsPerMinute: perMinute * scale };
}
