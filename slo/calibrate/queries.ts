// What to ask Prometheus or Thanos for: the events that rules recorded, or what the rules' own expressions give on raw
// series, for any threshold. No I/O.
import { countedMembers } from '../generate/promises.ts';
import { evidence } from '../generate/evidence.ts';
import { eventExpressions, sumOverEdges, type Readings } from '../generate/events.ts';
import { union, withLabels } from '../generate/promql.ts';
import { clusterLabels, events } from '../generate/series.ts';
import { formatDuration } from '../model/duration.ts';
import { thresholdOf, type Deployment, type Model, type Sli } from '../model/model.ts';
import type { ClusterScope } from './incidents.ts';

/** A range query for bad events, all events, or both told apart by the label events. */
export interface EventQuery {
  expr: string;
  events?: 'bad' | 'all';
}

/** Everything that has to be asked for one SLI by one formula and threshold. */
export interface SliQueries {
  /** The same for what is counted in the same way. */
  key: string;
  queries: EventQuery[];
}

/** What the rules recorded, summed for each step, so that no sample is read twice or left out. */
export function recordedQueries(sli: string, { step }: Deployment, scope: ClusterScope = {}): SliQueries {
  const selector = `${events('cluster')}{${[`sli="${sli}"`, ...matchersOf(scope)].join(',')}}`;
  return { key: `recorded ${sli}`, queries: [{ expr: `sum_over_time(${selector}[${formatDuration(step)}])` }] };
}

/** What the rules would record for clusters with this threshold, which SLIs other than latencies do not have. */
export function rawQueries(
  sli: Sli,
  threshold: number | undefined,
  model: Model,
  deployment: Deployment,
  scope: ClusterScope = {}
): SliQueries {
  const queries = eventExpressions(sli, deployment, replayed(threshold, model, deployment, scope));
  return { key: queries.map(({ expr }) => expr).join('\n'), queries };
}

function replayed(threshold: number | undefined, model: Model, deployment: Deployment, scope: ClusterScope): Readings {
  const matchers = matchersOf(scope);
  const select = (selector: string) => withMatchers(selector, matchers);
  const members = `(${countedMembers(select)})`;
  const found = Object.entries(evidence(select));
  // What the rules remember from step to step is left out: which members were seen once, and how much is usual.
  const readings: Readings = {
    expectedMembers: members,
    seenMembers: members,
    evidence: Object.fromEntries(found.map(([name, expr]) => [name, `(${expr})`])),
    events(name, kind) {
      const sli = model.slis.find((candidate) => candidate.name === name)!;
      // One kind of an SLI's events reads the other, which reads neither: what is asked for here is not read again.
      const others: Readings = {
        ...readings,
        events: (of, wanted) => (of === name && wanted === kind ? '' : readings.events(of, wanted)),
      };
      return `(${eventExpressions(sli, deployment, others).find((of) => of.events === kind)!.expr})`;
    },
    eventsOf(slis) {
      const parts = slis.flatMap((sli) =>
        (['bad', 'all'] as const).map((kind) => withLabels(readings.events(sli, kind), { sli, events: kind }))
      );
      return union(parts);
    },
    goodEvents: (_, source, buckets) => {
      const edge = threshold === undefined ? undefined : thresholdOf(source, threshold);
      return sumOverEdges(buckets(edge === undefined ? [] : [edge]));
    },
  };
  return readings;
}

export const matchersOf = (scope: ClusterScope) =>
  clusterLabels
    .filter((label) => scope[label])
    .map((label) => `${label}=~${JSON.stringify(scope[label]!.map(quoteMeta).join('|'))}`);

const quoteMeta = (text: string) => text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&');

const withMatchers = (selector: string, matchers: string[]) => {
  const [, name, given] = /^([^{]+)(?:\{(.*)\})?$/.exec(selector)!;
  const all = [...(given ? [given] : []), ...matchers];
  return all.length ? `${name}{${all.join(',')}}` : name;
};
