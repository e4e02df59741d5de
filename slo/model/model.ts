// The definitions after validation: what the generator and everything else works with. Times are seconds, targets are
// ratios of good events to all.
import type { Urgency } from './schema.ts';

export interface Model {
  /** In the order of the file. */
  slis: Sli[];
  /** From the foundation upwards. */
  objectives: Objective[];
  /** What the error budget is for. */
  window: number;
  /** Fewer bad events in a window do not burn. */
  minimumBadEvents: number;
  /** So many clusters of a region on a fast burn are one alert about the region. */
  manyClusters: number;
  /** The fastest first. */
  burnRates: BurnRate[];
  classes: Class[];
  overrides: Override[];
}

export type Sli = SliBase & (RatioSli | LatencySli | StateSli | SumSli | ScrapesSli);

interface SliBase {
  name: string;
  title: string;
  description: string;
  /** What alerts say is wrong, in a few words. */
  symptom: string;
  /** The one objective that it belongs to. */
  objective: string;
}

interface RatioSli {
  kind: 'ratio';
  bad: string;
  all: string;
  /** A state: while it is bad, as many requests as usual count as failed, though nobody counts them. */
  failsWhile?: string;
}

interface LatencySli {
  kind: 'latency';
  /** A cluster is measured by the first one that it has. */
  sources: LatencySource[];
}

export interface LatencySource {
  /** Without `_bucket`. */
  histogram: string;
  /** Label matchers, maybe none. */
  where: string;
  /** Bucket edges that a class may choose, ascending. */
  thresholds: number[];
}

interface StateSli {
  kind: 'state';
  badWhile: string;
  /** The inspections that it counts, if it counts some. */
  checks?: string[];
}

interface SumSli {
  kind: 'sum';
  of: string[];
}

interface ScrapesSli {
  kind: 'scrapes';
}

export interface Objective {
  name: string;
  title: string;
  description: string;
  slis: string[];
}

export interface BurnRate {
  name: string;
  /** Percent of the error budget. */
  budget: number;
  long: number;
  short: number;
  urgency: Urgency;
  /** How many times too fast the budget burns when `budget` percent of it go within `long`. */
  factor: number;
}

/** Targets by objective, thresholds by latency SLI. */
export interface Promises {
  targets: Record<string, number>;
  thresholds: Record<string, number>;
}

export interface Class extends Promises {
  /** The value of the label spec. */
  name: string;
  severity: Record<Urgency, string>;
}

/** What holds for the clusters with these labels instead of what their class says. */
export interface Override extends Promises {
  where: Partial<Record<OverrideLabel, string>>;
  reason: string;
}

export const overrideLabels = ['product', 'scene', 'spec'] as const;

export type OverrideLabel = (typeof overrideLabels)[number];

/** By which labels overrides choose clusters, the most specific first: the first one that matches wins. */
export const overrideLevels: OverrideLabel[][] = [
  ['product', 'scene', 'spec'],
  ['product', 'scene'],
  ['product', 'spec'],
  ['scene', 'spec'],
  ['product'],
  ['scene'],
];

export type SliOf<Kind extends Sli['kind']> = Extract<Sli, { kind: Kind }>;

export function latencySlis(model: Pick<Model, 'slis'>): Array<SliOf<'latency'>> {
  return model.slis.filter((sli) => sli.kind === 'latency');
}

/** The threshold that a source uses for the one that a class chose among the first source's: its next not shorter one. */
export function thresholdOf(source: LatencySource, chosen: number): number | undefined {
  return source.thresholds.find((threshold) => threshold >= chosen);
}

/** What is promised to the clusters with these labels: each part by the most specific override that has it, or the class. */
export function promisesTo(labels: Record<OverrideLabel, string>, { classes, overrides }: Model): Promises {
  const ofClass = classes.find(({ name }) => name === labels.spec);
  const matching = overrideLevels.flatMap((level) =>
    overrides.filter(({ where }) =>
      overrideLabels.every((label) => where[label] === (level.includes(label) ? labels[label] : undefined))
    )
  );
  const leastSpecificFirst = [...(ofClass ? [ofClass] : []), ...matching.reverse()];
  return {
    targets: Object.assign({}, ...leastSpecificFirst.map(({ targets }) => targets)),
    thresholds: Object.assign({}, ...leastSpecificFirst.map(({ thresholds }) => thresholds)),
  };
}

/** Where and how the rules run. */
export interface Deployment {
  scrapeInterval: number;
  /** How often events are counted. */
  step: number;
  maxClusters: number;
  grafanaUrl: string;
  /** The uid of Grafana's datasource. */
  datasource: string;
  runbookUrl: string;
}
