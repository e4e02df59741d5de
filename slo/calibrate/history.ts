// What was measured, step by step, as replays need it. Plain data: no I/O.
import { clusterLabels } from '../generate/series.ts';

export type ClusterLabels = Record<(typeof clusterLabels)[number], string>;

/** Bad and all events of an SLI, a value for each step; NaN where nothing is known. */
export interface Events {
  bad: Float64Array;
  all: Float64Array;
}

/** When the steps end, in seconds: the first at `start`, then one each `step` seconds. */
export interface Steps {
  start: number;
  step: number;
  count: number;
}

/** What a cluster's SLIs counted. */
export interface Measured {
  labels: ClusterLabels;
  /** By SLI; without those that the cluster does not have. */
  events: Record<string, Events>;
}

/** Everything that was fetched. */
export interface History {
  steps: Steps;
  clusters: HistoryCluster[];
}

export interface HistoryCluster {
  labels: ClusterLabels;
  /** By the key of what was asked for: an SLI by one formula and threshold. */
  events: Map<string, Events>;
}

export const timeAt = ({ start, step }: Steps, index: number) => start + index * step;

/** The last step that has ended at a time; -1 before the first. */
export const stepAt = ({ start, step, count }: Steps, time: number) =>
  Math.max(-1, Math.min(count - 1, Math.floor((time - start) / step)));

export const clusterId = (labels: ClusterLabels) => clusterLabels.map((label) => labels[label]).join('/');

/** The first and the last time at which anything is known, or nothing. */
export function observed({ steps, clusters }: History): { from: number; to: number } | undefined {
  let [first, last] = [Infinity, -1];
  for (const { events } of clusters) {
    for (const { all } of events.values()) {
      const begin = all.findIndex((value) => !Number.isNaN(value));
      if (begin !== -1) {
        first = Math.min(first, begin);
        last = Math.max(
          last,
          all.findLastIndex((value) => !Number.isNaN(value))
        );
      }
    }
  }
  return last < 0 ? undefined : { from: timeAt(steps, first) - steps.step, to: timeAt(steps, last) };
}
