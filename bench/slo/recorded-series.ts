// The series that the rules have already recorded: events of each SLI for every cluster and group of clusters.
import { promisesTo, type Model, type Sli } from '../../slo/model/model.ts';
import { countedSteps, events, firstTile, lastTiledStep, rollUps, tileEvaluation } from '../../slo/generate/series.ts';
import { stepsOfTile } from '../../slo/generate/timing.ts';
import type { ClusterLabels, Fleet } from './fleet.ts';
import { failed, latencyRate, ratesOf, requests, slow } from './raw-series.ts';
import type { Family, SeriesPlan } from './family.ts';

/** Events per second of a cluster. */
interface Rates {
  all: number;
  bad: number;
}

type RecordedFamily = Pick<Family, 'name' | 'per' | 'series'>;

/** Returns the events of all levels for a window, such as `30m_tile`, or for a step if no window is given. */
export function eventFamilies(fleet: Fleet, model: Model, window = ''): RecordedFamily[] {
  const slis = model.slis.map((sli) => ({ sli, rates: eventRatesOf(sli, model, fleet.members.length) }));
  const ofClusters: RecordedFamily = {
    name: events('cluster', window),
    per: 'cluster',
    series: slis.flatMap(({ sli, rates }) =>
      (['all', 'bad'] as const).map((kind) => eventSeries(sli, kind, rates[kind]))
    ),
  };
  const ofGroups = rollUps.map(({ level, labels }): RecordedFamily => {
    const groups = groupBy(fleet.clusters, labels);
    return {
      name: events(level, window),
      per: 'series',
      series: [...groups.values()].flatMap((clusters) =>
        slis.flatMap(({ sli, rates }) => {
          const group = Object.fromEntries(labels.map((label) => [label, clusters[0][label]]));
          const allowed = clusters.reduce(
            (sum, of) => sum + 1 - promisesTo(of as never, model).targets[sli.objective],
            0
          );
          return [
            eventSeries(sli, 'all', rates.all * clusters.length, group),
            eventSeries(sli, 'bad', rates.bad * clusters.length, group),
            eventSeries(sli, 'budget', rates.all * allowed, group),
          ];
        })
      ),
    };
  });
  return [ofClusters, ...ofGroups];
}

/** Returns the other series of tiles: the steps of each tile, and their times from `begin` (ms) on. */
export function tileFamilies({ slis }: Model, tileName: string, begin: number): RecordedFamily[] {
  const labelsOf = ({ name, objective }: Sli) => ({ objective, sli: name });
  const steps = slis.map((sli): SeriesPlan => {
    return { labels: { ...labelsOf(sli), events: 'all' }, kind: 'gauge', value: stepsOfTile };
  });
  const ends = slis.map((sli): SeriesPlan => ({ labels: labelsOf(sli), kind: 'time' }));
  return [
    { name: countedSteps(tileName), per: 'cluster', series: steps },
    { name: lastTiledStep, per: 'series', series: ends },
    { name: tileEvaluation, per: 'series', series: [{ labels: {}, kind: 'time' }] },
    { name: firstTile, per: 'series', series: [{ labels: {}, kind: 'gauge', value: begin / 1000 }] },
  ];
}

function eventSeries(
  { name, objective }: Sli,
  kind: string,
  perSecond: number,
  group: Record<string, string> = {}
): SeriesPlan {
  return { labels: { ...group, objective, sli: name, events: kind }, kind: 'events', perSecond };
}

function eventRatesOf(sli: Sli, model: Model, members: number): Rates {
  switch (sli.kind) {
    case 'ratio': {
      const counted = ratesOf(sli.all, 'grpc_method', requests);
      const rate = counted.reduce((sum, [, perSecond]) => sum + perSecond, 0);
      return { all: rate * members, bad: rate * members * failed };
    }
    case 'latency': {
      const rate = latencyRate(sli.sources[0], members);
      return { all: rate, bad: rate * slow };
    }
    case 'state':
      return { all: 1 / 60, bad: 0 };
    case 'sum': {
      const parts = sli.of.map((name) =>
        eventRatesOf(
          model.slis.find((other) => other.name === name)!,
          model,
          members
        )
      );
      return parts.reduce((sum, part) => ({ all: sum.all + part.all, bad: sum.bad + part.bad }));
    }
    case 'scrapes':
      return { all: members / 15, bad: 0 };
  }
}

function groupBy(clusters: ClusterLabels[], labels: readonly string[]): Map<string, ClusterLabels[]> {
  const groups = new Map<string, ClusterLabels[]>();
  for (const cluster of clusters) {
    const key = labels.map((label) => cluster[label]).join('/');
    const group = groups.get(key);
    if (group) {
      group.push(cluster);
    } else {
      groups.set(key, [cluster]);
    }
  }
  return groups;
}
