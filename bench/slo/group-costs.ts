// Measures the CPU seconds of a group's evaluation while nothing else is evaluated. They include writing the recorded
// series and garbage collection.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../../slo/model/duration.ts';
import type { RuleFile, RuleGroup } from '../../slo/generate/rules.ts';
import { median } from '../../slo/median.ts';
import { evaluationAfter, loadAlone, poll } from './alone.ts';
import type { Prometheus } from './prometheus.ts';

export interface GroupCost {
  name: string;
  /** CPU seconds and wall-clock seconds of an evaluation. */
  cpu: number;
  wall: number;
  /** Bytes that it allocates. They hardly depend on other load on the machine. */
  allocated: number;
  /** The share of a core that it takes at its interval. */
  cores: number;
}

/** The number of measured evaluations. The one before them is not measured. */
const measured = 2;
const allocatedBytes = 'go_memstats_alloc_bytes_total';
const idleTime = 2000;
const idleTimes = 5;

/**
 * A Prometheus whose groups are measured one at a time. All are evaluated at the same time `at` (ms), at which the
 * series that they read have just been recorded.
 */
export interface Bench {
  prometheus: Prometheus;
  files: Record<string, RuleFile>;
  at: number;
  /** Cores that it takes while it evaluates nothing. */
  idle: number;
}

export async function groupCost(
  { prometheus, files, at, idle }: Bench,
  { name, interval }: RuleGroup,
  signal: AbortSignal
): Promise<GroupCost> {
  let [last] = await prometheus.evaluations(name);
  await loadAlone(name, files, prometheus, at);
  last = await evaluationAfter(last, name, prometheus, signal);
  const allocatedBefore = await prometheus.metric(allocatedBytes);
  const [before, begin] = [prometheus.scheduled().ran, Date.now()];
  const wall: number[] = [];
  while (wall.length < measured) {
    last = await evaluationAfter(last, name, prometheus, signal);
    wall.push(last.seconds);
  }
  const ran = prometheus.scheduled().ran - before - (idle * (Date.now() - begin)) / 1000;
  const allocated = ((await prometheus.metric(allocatedBytes)) - allocatedBefore) / measured;
  await loadAlone('', files, prometheus, at);
  const cpu = Math.max(0, ran / measured);
  return { name, cpu, wall: median(wall), allocated, cores: cpu / parseDuration(interval) };
}

/** Measures the cores that Prometheus uses only to answer /api/v1/rules. Takes the minimum, as garbage may be left. */
export async function idleCores(prometheus: Prometheus, signal: AbortSignal): Promise<number> {
  const cores: number[] = [];
  while (cores.length < idleTimes) {
    const [before, begin] = [prometheus.scheduled().ran, Date.now()];
    while (Date.now() - begin < idleTime) {
      await prometheus.evaluations('etcd-slo-fleet');
      await sleep(poll, undefined, { signal });
    }
    cores.push(((prometheus.scheduled().ran - before) * 1000) / (Date.now() - begin));
  }
  return Math.min(...cores);
}
