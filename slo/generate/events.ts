// The groups that count: each SLI's bad events and all events of a step, for each cluster, with the members summed away.
// Only here raw series are read, and each of them once.
import { formatDuration } from '../model/duration.ts';
import type { Deployment, LatencySource, Model, Sli } from '../model/model.ts';
import { evidence, evidenceRules } from './evidence.ts';
import { lostRequests, lostRules } from './lost.ts';
import { indent, matching, maxBy, on, sumBy, union } from './promql.ts';
import type { RecordingRule } from './rules.ts';
import {
  clusterLabels,
  eventLabels,
  events,
  expectedMembers,
  groupLabels,
  rollUps,
  scrapedMembers,
  seenMembers,
  target,
  threshold,
} from './series.ts';

/** What every group that counts is called, or begins with. */
export const eventGroup = 'etcd-slo-events';

/**
 * The rules by their group. Prometheus evaluates the rules of a group one after the other and groups side by side, so
 * the dearest SLIs have groups of their own: latencies one for each subsystem that exposes histograms.
 */
export function eventRules(model: Model, deployment: Deployment): Map<string, RecordingRule[]> {
  const groups = new Map<string, Sli[]>();
  for (const sli of model.slis) {
    const subsystem = subsystemOf(sli);
    groups.set(subsystem, [...(groups.get(subsystem) ?? []), sli]);
  }
  const readings = recorded(deployment);
  const counted = (slis: Sli[]) =>
    slis.flatMap((sli) => eventExpressions(sli, deployment, readings).map((rule) => labelled(sli, rule)));
  const ofKind = (slis: Sli[], ...kinds: Array<Sli['kind']>) => slis.filter(({ kind }) => kinds.includes(kind));
  // Each reads only what comes before it: requests fail with states, and sums follow what they add.
  const rulesOf = (subsystem: string, slis: Sli[]) => [
    ...(subsystem ? [] : evidenceRules),
    ...counted(ofKind(slis, 'state')),
    ...(subsystem ? [] : lostRules(model, deployment)),
    ...counted(ofKind(slis, 'ratio', 'latency', 'scrapes')),
    ...counted(ofKind(slis, 'sum')),
    ...rollUpRules(slis, subsystem),
  ];
  return new Map(
    [...groups].map(([subsystem, slis]) => [
      [eventGroup, ...subsystem.split('_')].filter(Boolean).join('-'),
      rulesOf(subsystem, slis),
    ])
  );
}

/** The first words of a histogram's name, which is namespace_subsystem_name; nothing for what is no latency. */
function subsystemOf(sli: Sli): string {
  return sli.kind === 'latency' ? sli.sources[0].histogram.split('_').slice(0, 2).join('_') : '';
}

/** Events of an SLI as an expression: bad ones, all, or (without `events`) both. */
export interface EventExpression {
  events?: 'bad' | 'all';
  expr: string;
}

/** What the expressions read besides raw series: here what other rules recorded, in a replay what these would have. */
export interface Readings {
  expectedMembers: string;
  /** Members whose samples should have arrived in the whole step. */
  seenMembers: string;
  /** What is known of members and answers, by the name that definitions use. */
  evidence: Record<string, string>;
  /** Requests that fail because the cluster does not serve; nothing where that is not known. */
  lostRequests?(sli: string): string;
  events(sli: string, kind: 'bad' | 'all'): string;
  /** Bad and all events of several SLIs, told apart by labels. */
  eventsOf(slis: string[]): string;
  /** Events within the threshold. `buckets` gives the buckets of some edges, counted by cluster and le. */
  goodEvents(sli: string, source: LatencySource, buckets: (edges: number[]) => string): string;
}

const recorded = ({ step }: Deployment): Readings => ({
  expectedMembers,
  // Who was seen a step ago should have delivered all samples of this step; a cluster that shrinks asks for fewer at once.
  seenMembers: `(min_over_time(${seenMembers}[${formatDuration(2 * step)}]) and ${seenMembers} offset ${formatDuration(step)})`,
  evidence: Object.fromEntries(Object.keys(evidence()).map((name) => [name, name])),
  lostRequests: (sli) => lostRequests + matching({ sli }),
  events: (sli, kind) => events('cluster') + matching({ sli, events: kind }),
  eventsOf: (slis) => `${events('cluster')}{sli=~"${slis.join('|')}"}`,
  // Each cluster's class says which edge.
  goodEvents: (sli, { histogram, thresholds }, buckets) => {
    const chosen = threshold.edge + matching({ sli, histogram });
    return sumOverEdges(`${buckets(thresholds)}\n* ${on([...groupLabels, 'le'])} group_left ()\n${chosen}`);
  },
});

function labelled({ name, objective }: Sli, { events: kind, expr }: EventExpression): RecordingRule {
  return { record: events('cluster'), labels: { objective, sli: name, ...(kind && { events: kind }) }, expr };
}

/** In the order in which they can be recorded: each reads only what comes before it. */
export function eventExpressions(sli: Sli, deployment: Deployment, readings: Readings): EventExpression[] {
  const own = (kind: 'bad' | 'all') => readings.events(sli.name, kind);
  const increase = (selector: string) => increaseOf(selector, deployment);
  /** Only clusters of the inventory: no series of something else that is scraped. */
  const known = (expr: string) => `${expr}\nand ${on(clusterLabels)}\n${readings.expectedMembers}`;
  switch (sli.kind) {
    case 'ratio': {
      // Of what was seen to fail and what is lost unseen the larger, never the sum: who still asks is among the usual callers.
      const lost = sli.failsWhile && readings.lostRequests?.(sli.name);
      const orLost = (expr: string) => (lost ? maxBy(clusterLabels, `\n${indent(union([expr, lost]))}\n`) : expr);
      return [
        { events: 'all', expr: orLost(known(stepOf(increase(sli.all), deployment))) },
        {
          events: 'bad',
          // Counters of errors may appear with the first error only: until then there are none.
          expr: orLost(
            `(\n${indent(stepOf(increase(sli.bad), deployment))}\n  and ${on(clusterLabels)}\n  ${own('all')}\n)\nor ${on(clusterLabels)}\n0 * ${own('all')}`
          ),
        },
      ];
    }
    case 'latency': {
      const counted = union(sli.sources.map(({ histogram, where }) => increase(`${histogram}_count${braces(where)}`)));
      const good = union(
        sli.sources.map((source) =>
          readings.goodEvents(sli.name, source, (edges) => bucketsOf(source, edges, deployment))
        )
      );
      return [
        { events: 'all', expr: known(stepOf(parenthesized(counted), deployment)) },
        {
          events: 'bad',
          expr: `clamp_min(\n  ${own('all')}\n  - ${on(clusterLabels)}\n${indent(stepOf(parenthesized(good), deployment))},\n  0\n)`,
        },
      ];
    }
    case 'state': {
      const badWhile = sli.badWhile
        .replaceAll('$cluster', clusterLabels.join(', '))
        .replaceAll(expectedMembers, readings.expectedMembers)
        .replaceAll(evidenceName, (name) => readings.evidence[name]);
      return [
        { events: 'bad', expr: known(parenthesized(badWhile)) },
        { events: 'all', expr: `0 * ${own('bad')} + 1` },
      ];
    }
    case 'sum':
      return [{ expr: sumBy([...clusterLabels, 'events'], readings.eventsOf(sli.of)) }];
    case 'scrapes': {
      const range = formatDuration(deployment.step);
      const arrived = sumBy(clusterLabels, `sum_over_time(${scrapedMembers}[${range}])`);
      const { seenMembers: seen } = readings;
      return [
        { events: 'all', expr: known(`${seen} * ${deployment.step / deployment.scrapeInterval}`) },
        {
          events: 'bad',
          expr: `clamp_min(\n  ${own('all')}\n  - ${on(clusterLabels)}\n  (${arrived} or ${on(clusterLabels)} 0 * ${own('all')}),\n  0\n)`,
        },
      ];
    }
  }
}

const evidenceName = new RegExp(Object.keys(evidence()).join('|'), 'g');

/**
 * The increase between the last sample of the step before and the last one of this step: a range longer than the step by
 * one scrape holds both, so consecutive steps share a sample and lose nothing.
 */
const increaseOf = (selector: string, deployment: Deployment) =>
  sumBy(clusterLabels, increaseRange(selector, deployment));

const increaseRange = (selector: string, { step, scrapeInterval }: Deployment) =>
  `increase(${selector}[${formatDuration(step + scrapeInterval)}])`;

/** Takes back the part that increase() extrapolates, from the samples that it found to the whole range. */
const stepOf = (expr: string, { step, scrapeInterval }: Deployment) => `${expr} * ${step} / ${step + scrapeInterval}`;

/** The increase of a histogram's buckets with these edges, by cluster and le. */
function bucketsOf({ histogram, where }: LatencySource, edges: number[], deployment: Deployment): string {
  const le = `le=~"${edges.flatMap(spellings).join('|')}"`;
  return sumBy([...clusterLabels, 'le'], increaseRange(`${histogram}_bucket${braces(where, le)}`, deployment));
}

/** Sums buckets of which each cluster has one edge. */
export const sumOverEdges = (expr: string) => `sum by (${clusterLabels.join(', ')}) (\n${indent(expr)}\n)`;

/** How a bucket edge may be written in the label le. */
export const spellings = (edge: number) => (Number.isInteger(edge) ? [`${edge}`, `${edge}.0`] : [`${edge}`]);

const braces = (...matchers: string[]) => {
  const given = matchers.filter(Boolean);
  return given.length ? `{${given.join(',')}}` : '';
};

const parenthesized = (expr: string) => (expr.includes('\n') ? `(\n${indent(expr)}\n)` : `(${expr})`);

/** The same events for groups of clusters; there also the budget: as many bad events as the target allows. */
function rollUpRules(slis: Sli[], subsystem: string): RecordingRule[] {
  // promtool takes rules that record the same name for duplicates. A label without a value tells them apart, and
  // Prometheus does not store it.
  const apart = subsystem ? { [subsystem]: '' } : undefined;
  const counted = `sli=~"${slis.map(({ name }) => name).join('|')}"`;
  const [spec] = rollUps;
  const levels = [{ level: 'cluster' }, ...rollUps];
  const sums = rollUps.map(({ level, labels }, index) => ({
    record: events(level),
    ...(apart && { labels: apart }),
    expr: sumBy([...labels, ...eventLabels], `${events(levels[index].level)}{${counted}}`),
  }));
  const budget = {
    record: events(spec.level),
    labels: { events: 'budget', ...apart },
    expr: `${events(spec.level)}{events="all",${counted}}\n* ${on([...groupLabels, 'objective'])} group_left ()\n(1 - ${target.resolved})`,
  };
  return [sums[0], budget, ...sums.slice(1)];
}
