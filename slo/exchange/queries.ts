// The events of an SLI as the two queries of an OpenSLO ratioMetric, and back. Each value is the number of events of one
// step, of all clusters of a class together.
import { spellings } from '../generate/events.ts';
import { clusterLabels, expectedMembers, scrapedMembers } from '../generate/series.ts';
import { matching, on } from '../generate/promql.ts';
import { formatDuration } from '../model/duration.ts';
import type { Definitions } from '../model/definitions.ts';
import { thresholdOf, type Class, type Sli, type SliOf } from '../model/model.ts';
import {
  formatMatchers,
  formatSelector,
  parseSelector,
  selectorOf,
  withMatcher,
  type Selector,
} from '../promql/selector.ts';
import { parsePromql, type PromqlNode } from '../promql/tree.ts';

/** One of good and bad, and total. */
export interface Queries {
  good?: string;
  bad?: string;
  total: string;
}

export function queriesOf(sli: Sli, of: Class, definitions: Definitions): Queries {
  const { step, scrapeInterval } = definitions.deployment;
  const range = formatDuration(step);
  const ofClass = { label: 'spec', op: '=', value: of.name };
  const increase = (selector: string) => `sum(increase(${withMatcher(selector, ofClass)}[${range}]))`;
  const expected = `${expectedMembers}${matching({ spec: of.name })}`;
  switch (sli.kind) {
    case 'ratio':
      return { bad: increase(sli.bad), total: increase(sli.all) };
    case 'latency': {
      const [source] = sli.sources;
      const { metric, matchers } = parseSelector(`${source.histogram}{${source.where}}`)!;
      const edges = spellings(thresholdOf(source, of.thresholds[sli.name])!);
      const le = { label: 'le', op: edges.length > 1 ? '=~' : '=', value: edges.join('|') };
      const total = formatSelector({ metric: `${metric}_count`, matchers });
      const good = formatSelector({ metric: `${metric}_bucket`, matchers: [...matchers, le] });
      return { good: increase(good), total: increase(total) };
    }
    case 'state': {
      const state = `(${sli.badWhile.replaceAll('$cluster', clusterLabels.join(', '))}) and ${on(clusterLabels)} ${expected}`;
      return { bad: `sum(${state})`, total: `count(${state})` };
    }
    case 'sum': {
      const parts = sli.of.map((name) => definitions.model.slis.find((part) => part.name === name) as SliOf<'ratio'>);
      const total = (counter: 'bad' | 'all') => parts.map((part) => increase(part[counter])).join(' + ');
      return { bad: total('bad'), total: total('all') };
    }
    case 'scrapes':
      return {
        good: `sum(sum_over_time(${withMatcher(scrapedMembers, ofClass)}[${range}]))`,
        total: `${step / scrapeInterval} * sum(${expected})`,
      };
  }
}

/** What two queries count, as the definitions say it, and of which class if they name one. */
export type Recognized = { spec?: string } & (
  | { kind: 'ratio'; bad: string; all: string }
  | { kind: 'latency'; histogram: string; where?: string; threshold: number }
  | { kind: 'state'; badWhile: string }
  | { kind: 'sum'; parts: Array<{ bad: string; all: string }> }
  | { kind: 'scrapes' }
);

/** Undefined when the definitions have no kind of SLI for these queries. */
export function recognize(queries: Queries): Recognized | undefined {
  return recognizeState(queries) ?? recognizeScrapes(queries) ?? recognizeCounters(queries);
}

/** A state among the expected members of all clusters, or of those of a class. */
function recognizeState({ bad }: Queries): Recognized | undefined {
  const [state, operator, matching, expected] = summed(parsePromql(bad ?? ''))?.children ?? [];
  const [spec, selector] = withoutSpec(selectorOf(expected));
  const fits =
    state?.name === 'ParenExpr' &&
    operator?.name === 'And' &&
    matching?.text === on(clusterLabels) &&
    selector !== undefined &&
    formatSelector(selector) === expectedMembers;
  return fits
    ? { kind: 'state', badWhile: state.text.slice(1, -1).replaceAll(clusterLabels.join(', '), '$cluster'), spec }
    : undefined;
}

function recognizeScrapes({ good, total }: Queries): Recognized | undefined {
  const inner = overRange(summed(parsePromql(good ?? '')), ['SumOverTime']);
  const [spec, selector] = withoutSpec(selectorOf(inner));
  return selector && formatSelector(selector) === scrapedMembers && total.includes(expectedMembers)
    ? { kind: 'scrapes', spec }
    : undefined;
}

/** What a sum sums up, whatever it keeps apart. */
function summed(node?: PromqlNode): PromqlNode | undefined {
  const isSum = node?.child('AggregateOp')?.child('Sum') && !node.child('AggregateModifier')?.child('Without');
  return isSum ? node?.child('FunctionCallBody')?.children[0] : undefined;
}

/** The selector of which one of these functions reads a range. */
function overRange(node: PromqlNode | undefined, functions: string[]): PromqlNode | undefined {
  const called = node?.child('FunctionIdentifier')?.children[0].name;
  const range = node?.child('FunctionCallBody')?.child('MatrixSelector');
  return called !== undefined && functions.includes(called) ? range?.child('VectorSelector') : undefined;
}

function recognizeCounters({ good, bad, total }: Queries): Recognized | undefined {
  const [counted, all] = [countersIn(bad ?? good ?? ''), countersIn(total)];
  if (!counted || !all || counted.length !== all.length) {
    return undefined;
  }
  const [spec] = withoutSpec(all[0]);
  const [numerators, totals] = [counted, all].map((selectors) => selectors.map((each) => withoutSpec(each)[1]!));
  const parts = numerators.map((numerator, index) => ({ numerator, total: totals[index] }));
  if (bad === undefined && parts.length === 1) {
    const latency = latencyOf(parts[0].numerator, parts[0].total);
    if (latency) {
      return { ...latency, spec };
    }
  }
  const ratios = parts.map((part) => ({
    bad: bad === undefined ? complement(part.numerator, part.total) : part.numerator,
    all: formatSelector(part.total),
  }));
  if (!ratios.every((ratio): ratio is { bad: Selector; all: string } => ratio.bad !== undefined)) {
    return undefined;
  }
  const texts = ratios.map((ratio) => ({ ...ratio, bad: formatSelector(ratio.bad) }));
  return texts.length === 1 ? { kind: 'ratio', ...texts[0], spec } : { kind: 'sum', parts: texts, spec };
}

/** The counters that a query adds up: plain ones, or their rate or increase, summed or not, with + between them. */
function countersIn(query: string): Selector[] | undefined {
  const selectors = termsOf(parsePromql(query)).map((term) => {
    const counted = summed(term) ?? term;
    return selectorOf(overRange(counted, ['Rate', 'Increase']) ?? counted);
  });
  return selectors.every((selector) => selector !== undefined) ? selectors : undefined;
}

function termsOf(node?: PromqlNode): Array<PromqlNode | undefined> {
  const [left, operator, right, ...more] = node?.children ?? [];
  return operator?.name === 'Add' && more.length === 0 ? [...termsOf(left), right] : [node];
}

/** A bucket as the good events of its histogram's count. */
function latencyOf(good: Selector, total: Selector): Extract<Recognized, { kind: 'latency' }> | undefined {
  const histogram = total.metric.replace(/_count$/, '');
  const le = good.matchers.find(({ label }) => label === 'le');
  const edges = new Set(le?.value.split('|').map(Number));
  const [where, ofTotal] = [good, total].map(({ matchers }) =>
    formatMatchers(matchers.filter(({ label }) => label !== 'le'))
  );
  const fits = good.metric === `${histogram}_bucket` && total.metric === `${histogram}_count` && where === ofTotal;
  const [threshold] = edges;
  return fits && edges.size === 1 && Number.isFinite(threshold)
    ? { kind: 'latency', histogram, ...(where && { where }), threshold }
    : undefined;
}

const opposite: Record<string, string> = { '=': '!=', '!=': '=', '=~': '!~', '!~': '=~' };

/** What is left of all events without the good ones, where one matcher tells them apart. */
function complement(good: Selector, total: Selector): Selector | undefined {
  const known = total.matchers.map((matcher) => formatMatchers([matcher]));
  const more = good.matchers.filter((matcher) => !known.includes(formatMatchers([matcher])));
  return good.metric === total.metric && more.length === 1 && good.matchers.length === total.matchers.length + 1
    ? { ...total, matchers: [...total.matchers, { ...more[0], op: opposite[more[0].op] }] }
    : undefined;
}

function withoutSpec(selector?: Selector): [spec?: string, selector?: Selector] {
  const spec = selector?.matchers.find(({ label, op }) => label === 'spec' && op === '=');
  return [spec?.value, selector && { ...selector, matchers: selector.matchers.filter((matcher) => matcher !== spec) }];
}
