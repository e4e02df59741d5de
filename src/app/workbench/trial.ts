// What the workbench computes: the same simulation and scores as npm run slo -- calibrate.
import { burnChart } from '../../../slo/calibrate/charts.ts';
import { collect, measureBy, type Wanted } from '../../../slo/calibrate/collect.ts';
import { unifiedDiff } from '../../../slo/calibrate/diff.ts';
import { changeFile, thresholdSites, type ThresholdSite } from '../../../slo/calibrate/edit.ts';
import {
  clusterId,
  observed,
  timeAt,
  type History,
  type Measured,
  type Steps,
} from '../../../slo/calibrate/history.ts';
import type { ClusterScope, Incident } from '../../../slo/calibrate/incidents.ts';
import type { Band, Chart } from '../../../slo/calibrate/plot.ts';
import { type Evidence, judgeDefinitions } from '../../../slo/calibrate/propose.ts';
import type { RangeSource, Series } from '../../../slo/calibrate/range.ts';
import { matchersOf } from '../../../slo/calibrate/queries.ts';
import { defaultTolerance, type Verdict } from '../../../slo/calibrate/score.ts';
import { simulate } from '../../../slo/calibrate/simulate.ts';
import { formatDuration } from '../../../slo/model/duration.ts';
import { latencySlis, promisesTo } from '../../../slo/model/model.ts';
import { type Definitions, parseDefinitions } from '../../../slo/model/parse.ts';
import { presentTexts } from './definitions';

export const present = parseDefinitions(presentTexts);

/** What the workbench has loaded for an objective of some clusters. */
export interface Loaded {
  wanted: Wanted;
  history: History;
  period: { from: number; to: number };
  /** Alerts that really fired, by cluster and objective. */
  alerts: Series[];
}

/** More clusters would overload the browser; the command line has no such limit. */
export const mostClusters = 20;
export const longestRange = 7 * 86400;

/** Everything about some clusters in a time, in seconds; undefined when there is nothing. */
export async function load(
  source: RangeSource,
  scope: ClusterScope,
  sli: string,
  { from, to }: { from: number; to: number }
): Promise<Loaded | undefined> {
  const { step } = present.deployment;
  const start = Math.ceil(from / step) * step;
  const steps: Steps = { start, step, count: Math.floor((to - start) / step) + 1 };
  const searched = latencySlis(present.model).some(({ name }) => name === sli) ? [sli] : [];
  const wanted: Wanted = { present, candidates: [], searched, scope, source: 'auto' };
  const history = await collect(source, steps, wanted, () => silent);
  const known = observed(history);
  if (!known) {
    return undefined;
  }
  const firing = ['alertname=~"EtcdErrorBudgetBurn.*"', 'alertstate="firing"', ...matchersOf(scope)].join(',');
  // As coarse as a chunk allows: bands do not need more points.
  const coarse = Math.max(step, Math.ceil((to - start) / 1500 / step) * step);
  const alerts = await source.range(`ALERTS{${firing}}`, [start, to], coarse);
  return { wanted, history, period: { from: Math.max(from, known.from), to: Math.min(to, known.to) }, alerts };
}

const silent = { begin: () => undefined, done: () => undefined, end: () => undefined };

/** Where the thresholds of the loaded clusters are written. */
export function sitesOf({ history }: Loaded, sli: string): ThresholdSite[] {
  const other = (site: ThresholdSite) =>
    parseDefinitions(
      changeFile(presentTexts, 'classes.yaml', [{ path: site.path, value: formatDuration(someOther(sli, site)) }])
    );
  return thresholdSites(presentTexts, sli).filter((site) => {
    const changed = other(site).model;
    return history.clusters.some(
      ({ labels }) => promisesTo(labels, present.model).thresholds[sli] !== promisesTo(labels, changed).thresholds[sli]
    );
  });
}

const someOther = (sli: string, { threshold }: ThresholdSite) =>
  latencySlis(present.model)
    .find(({ name }) => name === sli)!
    .sources[0].thresholds.find((edge) => edge !== threshold) ?? threshold;

/** What would have fired with a candidate threshold. */
export interface Trial {
  definitions: Definitions;
  verdict: Verdict;
  /** A chart for each cluster. */
  charts: Array<{ id: string; name: string; burn: Chart; bad: Chart }>;
  /** The change of classes.yaml; empty when there is none. */
  diff: string;
}

/** The present definitions, or those with this threshold for the loaded clusters. */
export function tryThreshold(
  loaded: Loaded,
  objective: string,
  sli: string,
  threshold: number | undefined,
  incidents: Incident[]
): Trial {
  const changes =
    threshold === undefined ? [] : sitesOf(loaded, sli).map(({ path }) => ({ path, value: formatDuration(threshold) }));
  const texts = changeFile(presentTexts, 'classes.yaml', changes);
  const definitions = parseDefinitions(texts);
  const { history, period, wanted } = loaded;
  const evidence: Evidence = {
    history,
    incidents,
    period,
    tolerance: defaultTolerance,
    measure: measureBy(history, wanted),
  };
  // Only the chosen objective: the alerts of others do not depend on its thresholds.
  const { slis } = definitions.model.objectives.find(({ name }) => name === objective)!;
  const judged = judgeDefinitions(definitions, evidence, ({ labels, events }) => [
    { labels, events: Object.fromEntries(slis.flatMap((name) => (events[name] ? [[name, events[name]]] : []))) },
  ]);
  const firings = simulate(judged.clusters, history.steps, definitions);
  const charts = judged.clusters.map((cluster) => {
    const chart = burnChart(cluster, objective, { steps: history.steps, definitions, incidents, firings }, period);
    const bands = [...(chart.bands ?? []), ...recordedBands(loaded, objective, cluster.labels.cluster)];
    return {
      id: clusterId(cluster.labels),
      name: cluster.labels.cluster,
      burn: { ...chart, bands },
      bad: badChart(cluster, sli, history.steps, bands, period),
    };
  });
  return {
    definitions,
    verdict: judged.verdict,
    charts,
    diff: unifiedDiff('slo/definitions/classes.yaml', presentTexts['classes.yaml'], texts['classes.yaml']),
  };
}

/** The share of bad events of the SLI, step by step. */
function badChart(
  { labels, events }: Measured,
  sli: string,
  steps: Steps,
  bands: Band[],
  { from, to }: Loaded['period']
): Chart {
  const { bad, all } = events[sli] ?? { bad: [], all: [] };
  const points = [...bad].map((value, at): [number, number] => [
    timeAt(steps, at),
    all[at] > 0 ? (100 * value) / all[at] : NaN,
  ]);
  const highest = Math.max(1, ...points.map(([, value]) => value || 0));
  return {
    label: `Bad events of ${sli} of ${labels.cluster}`,
    x: { title: 'time (UTC)', scale: 'time', from, to },
    y: { title: `bad events of ${sli} (%)`, scale: 'linear', from: 0, to: highest },
    bands,
    lines: [{ points, colour: 0, label: sli }],
  };
}

function recordedBands({ alerts }: Loaded, objective: string, cluster: string): Band[] {
  return alerts
    .filter(({ labels }) => labels.objective === objective && labels.cluster === cluster)
    .flatMap(({ labels, samples }) => {
      const gap = Math.min(...samples.slice(1).map(([time], index) => time - samples[index][0]), 3600) * 1.5;
      const bands: Band[] = [];
      for (const [time] of samples) {
        const current = bands.at(-1);
        if (current && time - current.to <= gap) {
          current.to = time;
        } else {
          bands.push({ from: time, to: time, kind: 'recorded', label: `${labels.alertname} really fired` });
        }
      }
      return bands;
    });
}
