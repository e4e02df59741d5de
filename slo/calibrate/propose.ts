// Looks for better thresholds and burn rates among those that the definitions allow. No I/O; docs/slo.md, Calibration,
// states the rule by which one is recommended.
import { DefinitionError } from '../model/problem.ts';
import { formatDuration, parseDuration } from '../model/duration.ts';
import { latencySlis, promisesTo, type Deployment, type Model } from '../model/model.ts';
import { parseDefinitions, type Definitions, type DefinitionTexts } from '../model/parse.ts';
import { burnRateFields, changeFile, thresholdSites, type ThresholdSite } from './edit.ts';
import type { History, Measured } from './history.ts';
import { inScope, type Incident } from './incidents.ts';
import { f1, judge, type Figures, type Period, type Tolerance, type Verdict } from './score.ts';
import { simulate } from './simulate.ts';

/** From texts to the definitions of the place that the history is from. */
export type Parse = (texts: DefinitionTexts) => Definitions;

/** What a definition is judged by. */
export interface Evidence {
  history: History;
  incidents: Incident[];
  period: Period;
  tolerance: Tolerance;
  /** The history as some definitions would have counted it. */
  measure(definitions: Definitions): Measured[];
}

export interface Judged {
  definitions: Definitions;
  clusters: Measured[];
  verdict: Verdict;
}

/** Which incidents the definitions would have detected, by all clusters or some. */
export function judgeDefinitions(
  definitions: Definitions,
  evidence: Evidence,
  choose: (cluster: Measured) => Measured[] = (cluster) => [cluster]
): Judged {
  const { model, deployment } = definitions;
  const { history, incidents, period, tolerance } = evidence;
  const clusters = evidence.measure(definitions).flatMap(choose);
  const firings = simulate(clusters, history.steps, definitions);
  const verdict = judge({ model, deployment, clusters, steps: history.steps, firings, incidents, period, tolerance });
  return { definitions, clusters, verdict };
}

/** One candidate of a curve. */
export interface Point {
  /** As it is written in the file. */
  value: string;
  /** Where it lies on the axis: seconds of a threshold, or a burn rate's factor. */
  at: number;
  /** Figures of all alerts that somebody gets about the clusters concerned. */
  figures: Figures;
  /** Of thresholds: figures of the alerts that there would be if there was no other SLI. */
  alone?: Figures;
  isPresent: boolean;
}

/** The trade-off of one value of the definitions. */
export interface Curve {
  /** Such as `put-latency of class default`. */
  name: string;
  axis: 'threshold' | 'factor';
  clusters: number;
  incidents: number;
  points: Point[];
  /** The index of the point that the rule chooses; undefined when there is no incident to judge by. */
  recommended?: number;
  reason: string;
  file: keyof DefinitionTexts;
  /** What the recommendation changes; empty when the present value stays. */
  changes: Array<{ path: ReadonlyArray<string | number>; value: string | number }>;
}

export interface Proposal {
  curves: Curve[];
  texts: DefinitionTexts;
  /** Present and proposed definitions over all clusters. */
  before: Judged;
  after: Judged;
  /** Why nothing is proposed although some curve recommends something. */
  refused?: string;
}

/** The word for burn rates among the names of SLIs. */
export const burnRatesName = 'burn-rates';

export const searchable = (model: Model) => [...latencySlis(model).map(({ name }) => name), burnRatesName];

/** Searches each value by itself with the others as they are, then judges all recommended changes together. */
export function propose(texts: DefinitionTexts, deployment: Deployment, names: string[], evidence: Evidence): Proposal {
  const parse: Parse = (changed) => ({ ...parseDefinitions(changed), deployment });
  const present = parse(texts);
  const before = judgeDefinitions(present, evidence);
  const curves = names.flatMap((name) =>
    name === burnRatesName
      ? burnRateCurves(texts, parse, before, evidence)
      : thresholdSites(texts, name).map((site) => thresholdCurve(texts, parse, name, site, evidence))
  );
  const proposed = curves.reduce((changed, { file, changes }) => changeFile(changed, file, changes), texts);
  const after = judgeDefinitions(parse(proposed), evidence);
  const worse = mainScore(after.verdict) < mainScore(before.verdict);
  return worse
    ? {
        curves,
        texts,
        before,
        after: before,
        refused: 'Together the recommended changes are worse than the present values: commit at most one of them.',
      }
    : { curves, texts: proposed, before, after };
}

// ---------------------------------------------------------------------------------------------------------- thresholds

/** The bucket edges that a class may choose, ascending. */
export const offered = (model: Model, sli: string) =>
  latencySlis(model).find(({ name }) => name === sli)!.sources[0].thresholds;

/** The clusters whose threshold of an SLI is what a site says: a change there changes what is promised to them. */
function clustersOfSite(
  texts: DefinitionTexts,
  parse: Parse,
  sli: string,
  site: ThresholdSite,
  evidence: Evidence
): Measured[] {
  const present = parse(texts);
  const other = offered(present.model, sli).find((threshold) => threshold !== site.threshold);
  const changed = other === undefined ? present : parse(withThreshold(texts, site, other));
  const promised = ({ labels }: Measured, { model }: Definitions) => promisesTo(labels, model).thresholds[sli];
  return evidence.measure(present).filter((cluster) => promised(cluster, present) !== promised(cluster, changed));
}

const withThreshold = (texts: DefinitionTexts, { path }: ThresholdSite, threshold: number) =>
  changeFile(texts, 'classes.yaml', [{ path, value: formatDuration(threshold) }]);

export function thresholdCurve(
  texts: DefinitionTexts,
  parse: Parse,
  sli: string,
  site: ThresholdSite,
  evidence: Evidence
): Curve {
  const present = parse(texts);
  const edges = offered(present.model, sli);
  const concerned = new Set(clustersOfSite(texts, parse, sli, site, evidence).map(({ labels }) => labels));
  const ofSite = (cluster: Measured) => (concerned.has(cluster.labels) ? [cluster] : []);
  const onlySli = (cluster: Measured) =>
    ofSite(cluster).flatMap(({ labels, events }) => (events[sli] ? [{ labels, events: { [sli]: events[sli] } }] : []));
  const hasData = evidence.measure(present).some((cluster) => onlySli(cluster).length > 0);
  const points = !hasData
    ? []
    : edges.map((threshold): Point => {
        const definitions = parse(withThreshold(texts, site, threshold));
        return {
          value: formatDuration(threshold),
          at: threshold,
          figures: mainFigures(judgeDefinitions(definitions, evidence, ofSite).verdict),
          alone: mainFigures(judgeDefinitions(definitions, evidence, onlySli).verdict),
          isPresent: threshold === site.threshold,
        };
      });
  const incidents = evidence.incidents.filter(({ scope }) => [...concerned].some((labels) => inScope(scope, labels)));
  const choice = recommend(points, incidents.length);
  return {
    name: `${sli} of ${site.name}`,
    axis: 'threshold',
    clusters: concerned.size,
    incidents: incidents.length,
    points,
    ...choice,
    file: 'classes.yaml',
    changes: changesTo(points, choice.recommended, ({ value }) => [{ path: site.path, value }]),
  };
}

// ---------------------------------------------------------------------------------------------------------- burn rates

/** Budgets and windows relative to the present ones; the definitions' own checks refuse what makes no sense. */
const budgetFactors = [0.25, 0.5, 1, 2, 4];
const windowFactors = [0.5, 1, 2];

function burnRateCurves(texts: DefinitionTexts, parse: Parse, { clusters }: Judged, evidence: Evidence): Curve[] {
  return burnRateFields(texts).map(({ name, budget, long, short }, index): Curve => {
    const candidates = windowFactors.flatMap((ofWindow) =>
      budgetFactors.flatMap((ofBudget) => {
        const fields = {
          budget: Number((budget * ofBudget).toPrecision(6)),
          long: formatDuration(parseDuration(long) * ofWindow),
          short: formatDuration(parseDuration(short) * ofWindow),
        };
        const changes = Object.entries(fields).map(([field, value]) => ({ path: ['burnRates', index, field], value }));
        const definitions = attempt(parse, changeFile(texts, 'objectives.yaml', changes));
        return definitions ? [{ fields, changes, definitions, isPresent: ofWindow === 1 && ofBudget === 1 }] : [];
      })
    );
    const points = candidates
      .map(({ fields, changes, definitions, isPresent }) => ({
        value: `${fields.budget} % within ${fields.long} and ${fields.short}`,
        at: definitions.model.burnRates[index].factor,
        figures: mainFigures(judgeDefinitions(definitions, evidence).verdict),
        isPresent,
        changes,
      }))
      .sort((a, b) => a.at - b.at);
    const choice = recommend(points, evidence.incidents.length);
    return {
      name: `burn rate ${name}`,
      axis: 'factor',
      clusters: clusters.length,
      incidents: evidence.incidents.length,
      points,
      ...choice,
      file: 'objectives.yaml',
      changes: changesTo(points, choice.recommended, (point) => point.changes),
    };
  });
}

/** Undefined when the definitions' checks refuse the texts. */
function attempt(parse: Parse, texts: DefinitionTexts): Definitions | undefined {
  try {
    return parse(texts);
  } catch (error) {
    if (error instanceof DefinitionError) {
      return undefined;
    }
    throw error;
  }
}

// ------------------------------------------------------------------------------------------------------------ the rule

/** Of pages, or of all alerts when no incident was worth a page. */
export const mainFigures = ({ pages, all }: Verdict): Figures => (pages.incidents > 0 ? pages : all);

const mainScore = (verdict: Verdict) => f1(mainFigures(verdict));

/** Smaller differences are rounding errors: they come from the order of additions. */
const equal = 1e-9;

/**
 * The best balance of precision and recall (F1); of equals the one whose SLI alone has the best, then the soonest by the
 * median, then the one nearest to the present value.
 */
function recommend(points: Point[], incidents: number): { recommended?: number; reason: string } {
  if (points.length === 0) {
    return { reason: 'no data: these clusters do not have the SLI, or its raw series were not kept' };
  }
  if (incidents === 0) {
    return { reason: 'no incident in the scope of these clusters: nothing to judge by' };
  }
  const present = points.findIndex(({ isPresent }) => isPresent);
  const distance = (index: number) => Math.abs(Math.log(points[index].at / points[present].at));
  const criteria: Array<[name: string, of: (index: number) => number]> = [
    ['the best balance of precision and recall', (index) => f1(points[index].figures)],
    ['the best balance of the SLI alone', (index) => (points[index].alone ? f1(points[index].alone) : 0)],
    ['the shortest median time to detect', (index) => -(points[index].figures.timeToDetect.median ?? Infinity)],
    ['nearest to the present value', (index) => -distance(index)],
  ];
  let left = points.map((_, index) => index);
  let reason = '';
  for (const [name, of] of criteria) {
    const best = Math.max(...left.map(of));
    const remaining = left.filter((index) => of(index) >= best - equal);
    if (remaining.length < left.length) {
      reason = reason ? `${reason}, then ${name}` : name;
    }
    left = remaining;
  }
  const recommended = left.includes(present) ? present : left[0];
  return { recommended, reason: reason || 'every candidate does the same' };
}

function changesTo<Of extends Point>(
  points: Of[],
  recommended: number | undefined,
  changes: (point: Of) => Curve['changes']
) {
  return recommended === undefined || points[recommended].isPresent ? [] : changes(points[recommended]);
}
