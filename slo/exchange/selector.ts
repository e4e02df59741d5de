// A PromQL selector in its parts.

export interface Matcher {
  label: string;
  op: string;
  value: string;
}

export interface Selector {
  metric: string;
  matchers: Matcher[];
}

const matcherPattern = /([a-zA-Z_]\w*)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"/g;
const selectorPattern =
  /^([a-zA-Z_:][\w:]*)\s*(?:\{\s*((?:[a-zA-Z_]\w*\s*(?:=~|!~|!=|=)\s*"(?:[^"\\]|\\.)*"\s*,?\s*)*)\})?$/;

/** The parts of a plain selector with a metric's name, or undefined for any other expression. */
export function parseSelector(text: string): Selector | undefined {
  const [, metric, matchers = ''] = selectorPattern.exec(text.trim()) ?? [];
  return metric === undefined
    ? undefined
    : {
        metric,
        matchers: [...matchers.matchAll(matcherPattern)].map(([, label, op, value]) => ({ label, op, value })),
      };
}

/** Matchers without braces. */
export const formatMatchers = (matchers: Matcher[]) =>
  matchers.map(({ label, op, value }) => `${label}${op}"${value}"`).join(',');

export const formatSelector = ({ metric, matchers }: Selector) =>
  matchers.length ? `${metric}{${formatMatchers(matchers)}}` : metric;

export const withMatcher = (text: string, matcher: Matcher) => {
  const selector = parseSelector(text);
  return selector && formatSelector({ ...selector, matchers: [...selector.matchers, matcher] });
};
