// Evaluates groups one at a time, at a chosen time of the seed.
import { setTimeout as sleep } from 'node:timers/promises';
import type { RuleFile } from '../../slo/generate/rules.ts';
import { LabFailure } from '../../lab/failure.ts';
import { requireHealthy, type Evaluation, type Prometheus } from './prometheus.ts';
import { rewound } from './rewound.ts';

const never = 365 * 86400;
const evaluationLimit = 300_000;
const minute = 60_000;

/** Milliseconds between the times of two groups: times have a resolution of one second. */
const apart = 2000;

/** Milliseconds between two checks for a finished evaluation. */
export const poll = 200;

/**
 * Evaluates one group repeatedly from now on, as if the time were `at` (ms). The other groups stay loaded, because the
 * series of a removed group become stale.
 */
export async function loadAlone(name: string, files: Record<string, RuleFile>, prometheus: Prometheus, at: number) {
  const rewind = Math.ceil((Date.now() - at) / 1000);
  const texts = Object.entries(files).map(([file, rules]) => [
    file,
    rewound(rules, rewind, (group) => (group.name === name ? 1 : never)),
  ]);
  await prometheus.load(Object.fromEntries(texts));
}

/** Returns the next finished evaluation of a group. */
export async function evaluationAfter(
  last: Evaluation | undefined,
  group: string,
  prometheus: Prometheus,
  signal: AbortSignal
): Promise<Evaluation> {
  const deadline = Date.now() + evaluationLimit;
  while (Date.now() < deadline) {
    const [evaluation] = await prometheus.evaluations(group);
    if (evaluation && evaluation.at !== last?.at) {
      requireHealthy(evaluation);
      return evaluation;
    }
    await sleep(poll, undefined, { signal });
  }
  throw new LabFailure(
    `The group ${group} was not evaluated in ${evaluationLimit / 1000} s.`,
    'Take fewer --clusters.'
  );
}

/**
 * Evaluates all groups in the order in which they read each other, so that the series that rules read exist: at the
 * seed's end and a minute later, because some rules look back by a step. Returns the seconds of each group's first
 * evaluation, and the time after the last one (ms).
 */
export async function warmUp(
  files: Record<string, RuleFile>,
  prometheus: Prometheus,
  from: number,
  signal: AbortSignal
): Promise<{ first: Map<string, number>; at: number }> {
  const first = new Map<string, number>();
  for (const begin of [from, from + minute]) {
    for (const [index, { name }] of Object.values(files)
      .flatMap(({ groups }) => groups)
      .entries()) {
      const [last] = await prometheus.evaluations(name);
      await loadAlone(name, files, prometheus, begin + index * apart);
      const { seconds } = await evaluationAfter(last, name, prometheus, signal);
      first.set(name, first.get(name) ?? seconds);
    }
  }
  return { first, at: from + 2 * minute };
}
