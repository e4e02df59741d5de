// Whether the rules that somebody evaluates are those of a file, from what the API /api/v1/rules says.
import { parseDuration } from '../../slo/model/duration.ts';
import type { Rule, RuleGroup } from '../../slo/generate/rules.ts';

/** A group in an answer of /api/v1/rules of Prometheus and of Thanos rule. */
export interface EvaluatedGroup {
  name: string;
  /** Seconds. */
  interval: number;
  rules: Array<{ name: string; query: string; labels?: Record<string, string>; keepFiringFor?: number }>;
}

/** Equal for groups that do the same. */
export function signatureOfWritten({ name, interval, rules }: RuleGroup): string {
  return JSON.stringify({
    name,
    interval: parseDuration(interval),
    rules: rules.map((rule) => [nameOf(rule), normal(rule.expr), sorted(rule.labels)]),
  });
}

export function signatureOfEvaluated({ name, interval, rules }: EvaluatedGroup): string {
  return JSON.stringify({
    name,
    interval,
    rules: rules.map((rule) => [rule.name, normal(rule.query), sorted(rule.labels)]),
  });
}

const nameOf = (rule: Rule) => ('record' in rule ? rule.record : rule.alert);

const sorted = (labels: Record<string, string> = {}) => Object.entries(labels).sort();

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
