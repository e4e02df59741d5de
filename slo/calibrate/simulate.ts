// What the generated rules and alerts would have done, computed from events. No I/O; docs/slo.md says how it agrees with
// the rules, and simulate.test.ts compares it with Prometheus.
import { burnRateWindows, keepFiring, timingOf } from '../generate/timing.ts';
import { promisesTo, type BurnRate, type Deployment, type Model } from '../model/model.ts';
import type { Urgency } from '../model/schema.ts';
import { stepAt, timeAt, type ClusterLabels, type Events, type Measured, type Steps } from './history.ts';

/** A time in which one burn-rate alert fired. */
export interface Firing {
  labels: ClusterLabels;
  objective: string;
  burnRate: string;
  urgency: Urgency;
  /** Seconds. */
  start: number;
  /** When it ended, or when the history did. */
  end: number;
  /** SLIs that burnt too fast meanwhile, the worst first. */
  slis: string[];
}

interface Rules {
  model: Model;
  deployment: Deployment;
}

/** Each step's burn rate over a window, by SLI; NaN where there is none. */
type BurnBySli = Record<string, Float64Array>;

export function simulate(clusters: Measured[], steps: Steps, rules: Rules): Firing[] {
  return clusters.flatMap((cluster) =>
    rules.model.objectives.flatMap(({ name }) => firingsOf(cluster, name, steps, rules))
  );
}

function firingsOf(cluster: Measured, objective: string, steps: Steps, rules: Rules): Firing[] {
  const burning = burnRatesOf(cluster, objective, steps, rules);
  return rules.model.burnRates.flatMap((rate) => {
    const short = burning.get(rate.short)!;
    const long = burning.get(rate.long)!;
    return intervals(rate, worst(short, steps), worst(long, steps), steps).map(([from, to]) => ({
      labels: cluster.labels,
      objective,
      burnRate: rate.name,
      urgency: rate.urgency,
      start: timeAt(steps, from),
      end: timeAt(steps, to),
      slis: contributors(rate, short, long, from, to),
    }));
  });
}

/** The burn rates of an objective's SLIs over every window. */
export function burnRatesOf(
  { labels, events }: Measured,
  objective: string,
  steps: Steps,
  { model, deployment }: Rules
): Map<number, BurnBySli> {
  const { slis } = model.objectives.find(({ name }) => name === objective)!;
  const target = promisesTo(labels, model).targets[objective];
  const known = presence(events, steps);
  const sums = slis
    .filter((sli) => events[sli] && target !== undefined)
    .map((sli) => ({ sli, bad: runningSum(events[sli].bad), all: runningSum(events[sli].all) }));
  return new Map(
    burnRateWindows(model).map((window) => {
      const { from, to } = windowBounds(window, steps, deployment);
      const ofSlis = sums.map(({ sli, bad, all }) => {
        const burn = new Float64Array(steps.count).fill(NaN);
        for (let at = 0; at < steps.count; at++) {
          const allEvents = all[to[at]] - all[from[at]];
          if (known[at] && allEvents > 0) {
            const badEvents = bad[to[at]] - bad[from[at]];
            burn[at] = (badEvents >= model.minimumBadEvents ? badEvents / allEvents : 0) / (1 - target);
          }
        }
        return [sli, burn] as const;
      });
      return [window, Object.fromEntries(ofSlis)];
    })
  );
}

/** The steps of a window at each step, from one and up to before another. Long windows are sums of whole tiles. */
function windowBounds(window: number, steps: Steps, deployment: Deployment) {
  const { tile, tiledFrom, tileLate } = timingOf(deployment);
  const bounds = { from: new Int32Array(steps.count), to: new Int32Array(steps.count) };
  for (let at = 0; at < steps.count; at++) {
    let end = timeAt(steps, at);
    let length = window;
    if (window >= tiledFrom) {
      const lastTile = Math.floor(end / tile) * tile - tileLate;
      length = Math.ceil((window - (end - lastTile)) / tile) * tile;
      end = lastTile;
    }
    bounds.to[at] = stepAt(steps, end) + 1;
    bounds.from[at] = stepAt(steps, end - length) + 1;
  }
  return bounds;
}

/** Whether the inventory has the cluster: then some SLI has counted. */
function presence(events: Record<string, Events>, { count }: Steps): boolean[] {
  const counted = Object.values(events).map(({ all }) => all);
  return Array.from({ length: count }, (_, at) => counted.some((all) => !Number.isNaN(all[at])));
}

/** Sums up to before each step; what is not known counts as nothing, as for sum_over_time. */
function runningSum(values: Float64Array): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (let at = 0; at < values.length; at++) {
    sums[at + 1] = sums[at] + (values[at] || 0);
  }
  return sums;
}

/** The largest of all SLIs at each step; NaN where there is none. */
export function worst(burn: BurnBySli, { count }: Steps): Float64Array {
  const result = new Float64Array(count).fill(NaN);
  for (const values of Object.values(burn)) {
    for (let at = 0; at < count; at++) {
      if (!(values[at] <= result[at])) {
        result[at] = Number.isNaN(values[at]) ? result[at] : values[at];
      }
    }
  }
  return result;
}

/** From which step to before which one an alert fires. It outlives its cause by keepFiring. */
function intervals({ factor }: BurnRate, short: Float64Array, long: Float64Array, { count, step }: Steps) {
  const found: Array<[from: number, to: number]> = [];
  let from = -1;
  let quietSince = -1;
  for (let at = 0; at < count; at++) {
    if (short[at] > factor && long[at] > factor) {
      from = from === -1 ? at : from;
      quietSince = -1;
    } else if (from !== -1) {
      quietSince = quietSince === -1 ? at : quietSince;
      if ((at - quietSince) * step >= keepFiring) {
        found.push([from, at]);
        from = quietSince = -1;
      }
    }
  }
  return from === -1 ? found : [...found, [from, count - 1] as [number, number]];
}

function contributors({ factor }: BurnRate, short: BurnBySli, long: BurnBySli, from: number, to: number): string[] {
  const peaks = Object.keys(long).map((sli) => {
    let [peak, inBoth] = [0, false];
    for (let at = from; at <= to; at++) {
      peak = Math.max(peak, long[sli][at] || 0);
      inBoth ||= long[sli][at] > factor && short[sli][at] > factor;
    }
    return { sli, peak, inBoth };
  });
  const above = peaks.filter(({ peak }) => peak > factor);
  const both = above.filter(({ inBoth }) => inBoth);
  return (both.length ? both : above).sort((a, b) => b.peak - a.peak).map(({ sli }) => sli);
}

/** How near an SLI came to firing an alert: 1 is where it fires. */
export interface Reach {
  objective: string;
  sli: string;
  burnRate: string;
  share: number;
}

/** The nearest that each SLI of a cluster came to an alert in a time, the nearest first. */
export function reaches(cluster: Measured, from: number, to: number, steps: Steps, rules: Rules): Reach[] {
  const [first, last] = [Math.max(0, stepAt(steps, from)), stepAt(steps, to)];
  return rules.model.objectives
    .flatMap(({ name }) => {
      const burning = burnRatesOf(cluster, name, steps, rules);
      const slis = Object.keys(burning.values().next().value ?? {});
      return slis.map((sli): Reach => {
        const ofRates = rules.model.burnRates.map(({ name: burnRate, short, long, factor }) => {
          let peak = 0;
          for (let at = first; at <= last; at++) {
            peak = Math.max(peak, Math.min(burning.get(short)![sli][at], burning.get(long)![sli][at]) || 0);
          }
          return { burnRate, share: peak / factor };
        });
        return { objective: name, sli, ...ofRates.reduce((a, b) => (b.share > a.share ? b : a)) };
      });
    })
    .sort((a, b) => b.share - a.share);
}
