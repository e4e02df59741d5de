// Histories for tests: repeatable for each seed.
import type { Model } from '../model/model.ts';
import type { ClusterLabels, Events, Measured, Steps } from './history.ts';
import { urgencyOf, type Incident } from './incidents.ts';

/** Repeatable numbers from 0 to 1 (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export const labelsOf = (cluster: string, spec = 'default', scene = 's'): ClusterLabels => {
  return { region: 'gz', product: 'p', scene, spec, cluster };
};

/** Events of each step from functions of its index; undefined where nothing is known. */
export function eventsOf({ count }: Steps, of: (at: number) => { bad: number; all: number } | undefined): Events {
  const events = { bad: new Float64Array(count).fill(NaN), all: new Float64Array(count).fill(NaN) };
  for (let at = 0; at < count; at++) {
    const counted = of(at);
    if (counted) {
      events.bad[at] = counted.bad;
      events.all[at] = counted.all;
    }
  }
  return events;
}

/** Clusters of every class with bursts of bad events, noise, idle times and gaps; one goes away. */
export function randomHistory(model: Model, steps: Steps, seed: number): Measured[] {
  const random = randomNumbers(seed);
  const clusters = Array.from({ length: 6 }, (_, index) => {
    const { name } = model.classes[index % model.classes.length];
    const gone = index === 5 ? Math.floor(steps.count * 0.6) : steps.count;
    const events = model.slis
      .filter(() => random() < 0.6)
      .map(({ name: sli }) => [sli, randomEvents(steps, gone, random)] as const);
    return { labels: labelsOf(`random-${index}`, name), events: Object.fromEntries(events) };
  });
  return clusters.filter(({ events }) => Object.keys(events).length > 0);
}

function randomEvents(steps: Steps, gone: number, random: () => number): Events {
  let left = { burst: 0, gap: 0, share: 0 };
  return eventsOf(steps, (at) => {
    left = {
      burst: left.burst > 0 ? left.burst - 1 : random() < 0.01 ? Math.floor(random() * 60) : 0,
      gap: left.gap > 0 ? left.gap - 1 : random() < 0.003 ? Math.floor(random() * 8) : 0,
      share: left.burst > 0 ? left.share : random() ** 3,
    };
    if (at >= gone || left.gap > 0) {
      return undefined;
    }
    const all = random() < 0.05 ? 0 : Math.floor(random() * 600);
    const bad =
      left.burst > 0 ? Math.floor(all * left.share) : random() < 0.02 ? Math.min(all, Math.floor(random() * 4)) : 0;
    return { bad, all };
  });
}

export function incident(start: number, end: number, scope: Incident['scope'] = {}, severity = 'page'): Incident {
  return { start, end, scope, severity, note: '', urgency: urgencyOf(severity), where: 'incidents.yaml:1' };
}
