// A PromQL selector in its parts.
import { parsePromql, type PromqlNode } from './tree.ts';

export interface Matcher {
  label: string;
  op: string;
  value: string;
}

export interface Selector {
  metric: string;
  matchers: Matcher[];
}

/** The parts of a plain selector with a metric's name, or undefined for any other expression. */
export const parseSelector = (text: string) => selectorOf(parsePromql(text));

/** The same for a part of an expression. */
export function selectorOf(node?: PromqlNode): Selector | undefined {
  const metric = node?.name === 'VectorSelector' ? node.child('Identifier')?.text : undefined;
  const matchers = node?.child('LabelMatchers')?.children.map(matcherOf) ?? [];
  return metric !== undefined && matchers.every((matcher) => matcher !== undefined) ? { metric, matchers } : undefined;
}

/** Undefined for what is not written in double quotes. */
function matcherOf(node: PromqlNode): Matcher | undefined {
  const [label, op, value] = ['LabelName', 'MatchOp', 'StringLiteral'].map((name) => node.child(name)?.text);
  return label !== undefined && op !== undefined && value?.startsWith('"')
    ? { label, op, value: value.slice(1, -1) }
    : undefined;
}

/** The values that a selector wants of a label: `Put` and `Txn` of `{method=~"Put|Txn"}`. */
export const alternatives = (selector: string, label: string): string[] =>
  parseSelector(selector)
    ?.matchers.find((matcher) => matcher.label === label)
    ?.value.split('|') ?? [];

/** Matchers without braces. */
export const formatMatchers = (matchers: Matcher[]) =>
  matchers.map(({ label, op, value }) => `${label}${op}"${value}"`).join(',');

export const formatSelector = ({ metric, matchers }: Selector) =>
  matchers.length ? `${metric}{${formatMatchers(matchers)}}` : metric;

export const withMatcher = (text: string, matcher: Matcher) => {
  const selector = parseSelector(text);
  return selector && formatSelector({ ...selector, matchers: [...selector.matchers, matcher] });
};
