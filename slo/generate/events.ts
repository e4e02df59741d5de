// The group that counts: each SLI's bad events and all events of a step, for each cluster, with the members summed away.
// Only here raw series are read, and each of them once.
import { formatDuration } from '../model/duration.ts';
import type { Deployment, LatencySource, Model, Sli } from '../model/model.ts';
import { indent, matching, on, sumBy, union } from './promql.ts';
import type { RecordingRule } from './rules.ts';
import {
  clusterLabels,
  eventLabels,
  events,
  expectedMembers,
  groupLabels,
  rollUps,
  scrapedMembers,
  target,
  threshold,
} from './series.ts';

export function eventRules(model: Model, deployment: Deployment): RecordingRule[] {
  const rules = model.slis
    .toSorted((a, b) => Number(a.kind === 'sum') - Number(b.kind === 'sum')) // sums follow what they add
    .flatMap((sli) => sliRules(sli, deployment).map((rule) => labelled(sli, rule)));
  return [...rules, ...rollUpRules()];
}

/** A rule for events of an SLI: bad ones, all, or (without `events`) both. */
interface EventRule {
  events?: 'bad' | 'all';
  expr: string;
}

function labelled({ name, objective }: Sli, { events: kind, expr }: EventRule): RecordingRule {
  return { record: events('cluster'), labels: { objective, sli: name, ...(kind && { events: kind }) }, expr };
}

function sliRules(sli: Sli, deployment: Deployment): EventRule[] {
  const recorded = { bad: recordedEvents(sli.name, 'bad'), all: recordedEvents(sli.name, 'all') };
  const increase = (selector: string) => increaseOf(selector, deployment);
  switch (sli.kind) {
    case 'ratio':
      return [
        { events: 'all', expr: known(stepOf(increase(sli.all), deployment)) },
        {
          events: 'bad',
          // Counters of errors may appear with the first error only: until then there are none.
          expr: `(\n${indent(stepOf(increase(sli.bad), deployment))}\n  and ${on(clusterLabels)}\n  ${recorded.all}\n)\nor ${on(clusterLabels)}\n0 * ${recorded.all}`,
        },
      ];
    case 'latency': {
      const all = union(sli.sources.map(({ histogram, where }) => increase(`${histogram}_count${braces(where)}`)));
      const good = union(sli.sources.map((source) => goodEvents(sli.name, source, deployment)));
      return [
        { events: 'all', expr: known(stepOf(parenthesized(all), deployment)) },
        {
          events: 'bad',
          expr: `clamp_min(\n  ${recorded.all}\n  - ${on(clusterLabels)}\n${indent(stepOf(parenthesized(good), deployment))},\n  0\n)`,
        },
      ];
    }
    case 'state':
      return [
        { events: 'bad', expr: known(parenthesized(sli.badWhile.replaceAll('$cluster', clusterLabels.join(', ')))) },
        { events: 'all', expr: `0 * ${recorded.bad} + 1` },
      ];
    case 'sum':
      return [{ expr: sumBy([...clusterLabels, 'events'], `${events('cluster')}{sli=~"${sli.of.join('|')}"}`) }];
    case 'scrapes': {
      const range = formatDuration(deployment.step);
      const arrived = sumBy(clusterLabels, `sum_over_time(${scrapedMembers}[${range}])`);
      return [
        { events: 'all', expr: `${expectedMembers} * ${deployment.step / deployment.scrapeInterval}` },
        {
          events: 'bad',
          expr: `clamp_min(\n  ${recorded.all}\n  - ${on(clusterLabels)}\n  (${arrived} or 0 * ${expectedMembers}),\n  0\n)`,
        },
      ];
    }
  }
}

const recordedEvents = (sli: string, kind: 'bad' | 'all') => events('cluster') + matching({ sli, events: kind });

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

/** Only clusters of the inventory: no series of something else that is scraped. */
const known = (expr: string) => `${expr}\nand ${on(clusterLabels)}\n${expectedMembers}`;

/** Events of a histogram within the threshold of each cluster's class. */
function goodEvents(sli: string, source: LatencySource, deployment: Deployment): string {
  const { histogram, where, thresholds } = source;
  const le = `le=~"${thresholds.flatMap(spellings).join('|')}"`;
  const buckets = `${histogram}_bucket${braces(where, le)}`;
  const counted = sumBy([...clusterLabels, 'le'], increaseRange(buckets, deployment));
  const chosen = threshold.edge + matching({ sli, histogram });
  return `sum by (${clusterLabels.join(', ')}) (\n${indent(`${counted}\n* ${on([...groupLabels, 'le'])} group_left ()\n${chosen}`)}\n)`;
}

/** How a bucket edge may be written in the label le. */
export const spellings = (edge: number) => (Number.isInteger(edge) ? [`${edge}`, `${edge}.0`] : [`${edge}`]);

const braces = (...matchers: string[]) => {
  const given = matchers.filter(Boolean);
  return given.length ? `{${given.join(',')}}` : '';
};

const parenthesized = (expr: string) => (expr.includes('\n') ? `(\n${indent(expr)}\n)` : `(${expr})`);

/** The same events for groups of clusters; there also the budget: as many bad events as the target allows. */
function rollUpRules(): RecordingRule[] {
  const [spec] = rollUps;
  const levels = [{ level: 'cluster' }, ...rollUps];
  const sums = rollUps.map(({ level, labels }, index) => ({
    record: events(level),
    expr: sumBy([...labels, ...eventLabels], events(levels[index].level)),
  }));
  const budget = {
    record: events(spec.level),
    labels: { events: 'budget' },
    expr: `${events(spec.level)}{events="all"}\n* ${on([...groupLabels, 'objective'])} group_left ()\n(1 - ${target.resolved})`,
  };
  return [sums[0], budget, ...sums.slice(1)];
}
