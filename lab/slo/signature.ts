// Compares the rules that the API /api/v1/rules reports with those of a file.
import { parseDuration, parsePrometheusDuration } from '../../slo/model/duration.ts';
import { promqlTree, type PromqlNode } from '../../slo/promql/tree.ts';
import type { Rule, RuleGroup } from '../../slo/generate/rules.ts';

/** A group in an answer of /api/v1/rules of Prometheus and of Thanos rule. Times are in seconds. */
export interface EvaluatedGroup {
  name: string;
  interval: number;
  rules: EvaluatedRule[];
}

interface EvaluatedRule {
  name: string;
  query: string;
  labels?: Record<string, string>;
  /** Set for alerts only. */
  duration?: number;
  keepFiringFor?: number;
  annotations?: Record<string, string>;
}

/** The label that Thanos rule adds to every rule. */
const externalLabel = 'rule_replica';

/** Returns a text that is equal for equivalent groups. */
export function signatureOfWritten({ name, interval, rules }: RuleGroup): string {
  return signatureOfEvaluated({ name, interval: parseDuration(interval), rules: rules.map(asEvaluated) });
}

export function signatureOfEvaluated({ name, interval, rules }: EvaluatedGroup): string {
  const signatures = rules.map((rule) =>
    JSON.stringify([
      rule.name,
      normal(rule.query),
      sorted(rule.labels).filter(([label, value]) => label !== externalLabel && value !== ''), // an empty label is the same as none
      rule.duration ?? 0,
      rule.keepFiringFor ?? 0,
      sorted(rule.annotations),
    ])
  );
  // Thanos rule lists rules by name.
  return JSON.stringify({ name, interval, rules: signatures.sort() });
}

function asEvaluated(rule: Rule): EvaluatedRule {
  if ('record' in rule) {
    return { name: rule.record, query: rule.expr, labels: rule.labels };
  }
  return {
    name: rule.alert,
    query: rule.expr,
    labels: rule.labels,
    duration: rule.for === undefined ? 0 : parseDuration(rule.for),
    keepFiringFor: rule.keep_firing_for === undefined ? 0 : parseDuration(rule.keep_firing_for),
    annotations: rule.annotations,
  };
}

const sorted = (named: Record<string, string> = {}) => Object.entries(named).sort();

/** Normalizes what an evaluator may format differently: spaces, the order of matchers, and 75s as 1m15s. */
function normal(expr: string): string {
  const tree = promqlTree(expr);
  const parts = [
    ...tree.all('LabelMatchers').map((matchers) => ({ ...placeOf(matchers), by: sortedMatchers(matchers) })),
    ...tree
      .all('NumberDurationLiteralInDurationContext')
      .map((time) => ({ ...placeOf(time), by: inSeconds(time.text) })),
  ];
  return parts
    .sort((one, other) => other.from - one.from)
    .reduce((text, { from, to, by }) => text.slice(0, from) + by + text.slice(to), expr)
    .replace(/\s+/g, '');
}

const placeOf = ({ from, to }: PromqlNode) => ({ from, to });

const sortedMatchers = ({ children }: PromqlNode) =>
  `{${children
    .map(({ text }) => text)
    .sort()
    .join()}}`;

/** A plain number is one of seconds already. */
const inSeconds = (time: string) => `${Number.isNaN(Number(time)) ? parsePrometheusDuration(time) : time}s`;
