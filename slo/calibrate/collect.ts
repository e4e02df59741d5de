// Fills a history from Prometheus: what the rules recorded, and what their expressions give on raw series.
import { clusterLabels } from '../generate/series.ts';
import type { Definitions } from '../model/parse.ts';
import { latencySlis, promisesTo, type Model, type Sli } from '../model/model.ts';
import { clusterId, type ClusterLabels, type Events, type History, type Measured, type Steps } from './history.ts';
import type { ClusterScope } from './incidents.ts';
import { chunksOf, type RangeSource, type Series } from './range.ts';
import { offered } from './propose.ts';
import { rawQueries, recordedQueries, type SliQueries } from './queries.ts';

/** recorded: only what the rules recorded; raw: only raw series; auto: see keysOf. */
export type SourceOfEvents = 'auto' | 'recorded' | 'raw';

export interface Wanted {
  present: Definitions;
  candidates: Definitions[];
  /** Latency SLIs of which every offered threshold is needed. */
  searched: string[];
  scope: ClusterScope;
  source: SourceOfEvents;
}

/** Queries at the same time: enough to keep a server busy, few enough to leave it to others too. */
const concurrency = 4;

export interface Progress {
  begin(what: string): void;
  done(what: string): void;
  end(): void;
}

/** Asks for everything that `wanted` needs. `show` receives the number of queries. */
export async function collect(
  prometheus: RangeSource,
  steps: Steps,
  wanted: Wanted,
  show: (total: number) => Progress
): Promise<History> {
  const history = new HistoryBuilder(steps);
  if (wanted.source !== 'raw') {
    await ask(prometheus, recordedOf(wanted), history, show);
  }
  if (wanted.source !== 'recorded') {
    await ask(prometheus, rawOf(wanted, history.history), history, show);
  }
  return history.history;
}

type NamedQueries = SliQueries & { sli: string };

async function ask(
  prometheus: RangeSource,
  asked: NamedQueries[],
  history: HistoryBuilder,
  show: (total: number) => Progress
): Promise<void> {
  const { start, count, step } = history.steps;
  const chunks = chunksOf(start, start + (count - 1) * step, step);
  const unique = [...new Map(asked.map((queries) => [queries.key, queries])).values()];
  const jobs = unique.flatMap(({ sli, key, queries }) =>
    queries.flatMap((query) => chunks.map((chunk) => ({ ...query, sli, key, chunk })))
  );
  const progress = show(jobs.length);
  const work = async () => {
    for (let job = jobs.shift(); job; job = jobs.shift()) {
      const what = `${job.events ?? 'bad and all'} events of ${job.sli} until ${new Date(job.chunk[1] * 1000).toISOString().slice(0, 16)}Z`;
      progress.begin(what);
      history.add(job.key, job.events, await prometheus.range(job.expr, job.chunk, step));
      progress.done(what);
    }
  };
  try {
    await Promise.all(Array.from({ length: concurrency }, work));
  } finally {
    jobs.length = 0; // after a failure the others stop, too
    progress.end();
  }
}

const recordedOf = ({ present, scope }: Wanted): NamedQueries[] =>
  present.model.slis.map(({ name }) => ({ sli: name, ...recordedQueries(name, present.deployment, scope) }));

/** What was not recorded, or was recorded in another way than it is needed. */
function rawOf({ present, candidates, searched, scope, source }: Wanted, { clusters }: History): NamedQueries[] {
  const recorded = (sli: Sli) =>
    clusters.some(({ events }) => events.has(recordedQueries(sli.name, present.deployment).key));
  const compared = (sli: Sli) =>
    searched.includes(sli.name) ||
    candidates.some(({ model }) => promisesOf(model, sli) !== promisesOf(present.model, sli));
  return [present, ...candidates].flatMap(({ model, deployment }) =>
    model.slis
      .filter((sli) => source === 'raw' || !recorded(sli) || compared(sli) || !sameFormula(sli, model, present.model))
      .flatMap((sli) =>
        thresholdsOf(sli, model, searched).map((threshold) => ({
          sli: sli.name,
          ...rawQueries(sli, threshold, model, deployment, scope),
        }))
      )
  );
}

const promisesOf = ({ classes, overrides }: Model, { name }: Sli) =>
  JSON.stringify([
    classes.map((of) => [of.name, of.thresholds[name]]),
    overrides.map((of) => [of.where, of.thresholds[name]]),
  ]);

/** Every threshold of an SLI that is promised to somebody or to be tried. */
function thresholdsOf(sli: Sli, model: Model, searched: string[]): Array<number | undefined> {
  if (sli.kind !== 'latency') {
    return [undefined];
  }
  const promised = [...model.classes, ...model.overrides].flatMap(({ thresholds }) => thresholds[sli.name] ?? []);
  return [...new Set([...promised, ...(searched.includes(sli.name) ? offered(model, sli.name) : [])])];
}

/** Puts series in their places as they come. */
class HistoryBuilder {
  private readonly clusters = new Map<string, History['clusters'][number]>();

  constructor(readonly steps: Steps) {}

  get history(): History {
    return { steps: this.steps, clusters: [...this.clusters.values()] };
  }

  add(key: string, kind: 'bad' | 'all' | undefined, series: Series[]) {
    for (const { labels, samples } of series) {
      const events = this.eventsOf(labels, key);
      const values = events[kind ?? (labels.events === 'bad' ? 'bad' : 'all')];
      for (const [time, value] of samples) {
        values[Math.round((time - this.steps.start) / this.steps.step)] = value;
      }
    }
  }

  private eventsOf(labels: Record<string, string>, key: string): Events {
    const identity = Object.fromEntries(clusterLabels.map((label) => [label, labels[label] ?? ''])) as ClusterLabels;
    const id = clusterId(identity);
    const cluster = this.clusters.get(id) ?? { labels: identity, events: new Map<string, Events>() };
    this.clusters.set(id, cluster);
    const events = cluster.events.get(key) ?? { bad: this.nothing(), all: this.nothing() };
    cluster.events.set(key, events);
    return events;
  }

  private nothing = () => new Float64Array(this.steps.count).fill(NaN);
}

/**
 * How definitions would have counted a history. What was recorded is taken for what is counted as the present definitions
 * count it. Of a latency that is compared only raw series have every threshold, so there these are preferred.
 */
export function measureBy(history: History, { present, scope }: Wanted): (definitions: Definitions) => Measured[] {
  return ({ model, deployment }) => {
    const rawKeys = new Map<string, string>();
    const rawKey = (sli: Sli, threshold: number | undefined) => {
      const id = `${sli.name} ${threshold}`;
      const key = rawKeys.get(id) ?? rawQueries(sli, threshold, model, deployment, scope).key;
      rawKeys.set(id, key);
      return key;
    };
    const latencies = new Set(latencySlis(model).map(({ name }) => name));
    return history.clusters.map(({ labels, events }) => {
      const [promised, promisedBefore] = [promisesTo(labels, model), promisesTo(labels, present.model)];
      const found = model.slis.flatMap((sli) => {
        const isLatency = latencies.has(sli.name);
        const threshold = isLatency ? promised.thresholds[sli.name] : undefined;
        const raw = events.get(rawKey(sli, threshold));
        const isRecorded =
          sameFormula(sli, model, present.model) && (!isLatency || threshold === promisedBefore.thresholds[sli.name]);
        const recorded = isRecorded ? events.get(recordedQueries(sli.name, deployment).key) : undefined;
        const chosen = isLatency ? (raw ?? recorded) : (recorded ?? raw);
        return chosen ? [[sli.name, chosen] as const] : [];
      });
      return { labels, events: Object.fromEntries(found) };
    });
  };
}

/** Whether two models count an SLI, and what it is a sum of, in the same way. */
function sameFormula(sli: Sli, model: Model, other: Model): boolean {
  const formulas = (of: Model) =>
    [sli.name, ...(sli.kind === 'sum' ? sli.of : [])].map((name) => {
      const { title: _, description: __, ...formula } = of.slis.find((candidate) => candidate.name === name) ?? {};
      return JSON.stringify(formula);
    });
  return formulas(model).join() === formulas(other).join();
}
