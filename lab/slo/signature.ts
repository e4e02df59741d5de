// Whether the rules that somebody evaluates are those of a file, from what the API /api/v1/rules says.
import { parseDuration } from '../../slo/model/duration.ts';
import type { Rule, RuleGroup } from '../../slo/generate/rules.ts';

/** A group in an answer of /api/v1/rules of Prometheus and of Thanos rule. Times are seconds. */
export interface EvaluatedGroup {
  name: string;
  interval: number;
  rules: EvaluatedRule[];
}

interface EvaluatedRule {
  name: string;
  query: string;
  labels?: Record<string, string>;
  /** Of alerts only. */
  duration?: number;
  keepFiringFor?: number;
  annotations?: Record<string, string>;
}

/** What Thanos rule adds to every rule. */
const externalLabel = 'rule_replica';

/** Equal for groups that do the same. */
export function signatureOfWritten({ name, interval, rules }: RuleGroup): string {
  return signatureOfEvaluated({ name, interval: parseDuration(interval), rules: rules.map(asEvaluated) });
}

export function signatureOfEvaluated({ name, interval, rules }: EvaluatedGroup): string {
  const signatures = rules.map((rule) =>
    JSON.stringify([
      rule.name,
      normal(rule.query),
      sorted(rule.labels).filter(([label]) => label !== externalLabel),
      rule.duration ?? 0,
      rule.keepFiringFor ?? 0,
      sorted(rule.annotations),
    ])
  );
  // Thanos rule lists them by name.
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

const text = '"(?:[^"\\\\]|\\\\.)*"';
const selector = new RegExp(`\\{((?:[^"{}]|${text})*)\\}`, 'g');
const matcher = new RegExp(`\\w+(?:=~|!~|!=|=)${text}`, 'g');
const range = /(?<=\[)(?:\d+(?:ms|[smhd]))+(?=\])/g;

/** An expression without what its reader may write otherwise: spaces, the order of matchers, and 75s as 1m15s. */
function normal(expr: string): string {
  return expr
    .replace(/\s+/g, '')
    .replace(selector, (_, matchers: string) => `{${(matchers.match(matcher) ?? []).sort().join()}}`)
    .replace(range, (duration) => `${sum(duration.match(/\d+(?:ms|[smhd])/g)!.map(parseDuration))}s`);
}

const sum = (numbers: number[]) => numbers.reduce((total, number) => total + number, 0);
