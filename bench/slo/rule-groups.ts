// How long the groups of our rules take while all of them run, and what they read.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../../slo/model/duration.ts';
import type { RuleFile } from '../../slo/generate/rules.ts';
import { LabFailure } from '../../lab/failure.ts';
import { median } from '../../slo/median.ts';
import type { Evaluation, Prometheus } from './prometheus.ts';
import { longestInterval } from './rewound.ts';

export interface GroupFigures {
  name: string;
  rules: number;
  /** Seconds, as the generated rules have it. */
  interval: number;
  /** Series that its selectors choose; one that several rules choose counts each time. */
  series: number;
  samples: number;
  peakSamples: number;
  /** Series that it records. */
  records: number;
  /** Seconds of the first evaluation, which makes the recorded series. */
  first: number;
  /** Seconds: the median of the later ones. */
  evaluation: number;
  evaluations: number;
  /** Of the interval. */
  share: number;
  /** The dearest rules. */
  dearest: Array<{ name: string; seconds: number }>;
}

/** Watches until every group has been evaluated more than once, or `times`. Each group's evaluations, the first one first. */
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
      const broken = evaluation.rules.find(({ health }) => health === 'err');
      if (broken) {
        throw new LabFailure(
          `The rule ${broken.name} failed: ${broken.lastError}`,
          'Correct it in slo/generate.',
          broken.query
        );
      }
      seen.get(evaluation.group)?.set(evaluation.at, evaluation);
    }
  }
  return new Map([...seen].map(([name, evaluations]) => [name, [...evaluations.values()]]));
}

/** The figures of each group of a file from its evaluations; `at` is a time at which everything it reads is there. */
export async function groupFigures(
  { groups }: RuleFile,
  evaluations: Map<string, Evaluation[]>,
  prometheus: Prometheus,
  at: number
): Promise<GroupFigures[]> {
  const figures: GroupFigures[] = [];
  for (const group of groups) {
    const all = evaluations.get(group.name) ?? [];
    const later = all.slice(1);
    const evaluation = median(later.map(({ seconds }) => seconds));
    const interval = parseDuration(group.interval);
    const read = { series: 0, samples: 0, peakSamples: 0, records: 0 };
    for (const { expr } of group.rules) {
      // Counted on the server: the answers themselves would be a hundred megabytes.
      const answer = await prometheus.query(`count(\n${expr}\n)`, at);
      read.records += [...answer.values.values()][0] ?? 0;
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
      first: all[0]?.seconds ?? NaN,
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
