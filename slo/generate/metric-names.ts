// Which metrics a PromQL expression reads.

/** Words of PromQL that stand where a metric could. */
const keywords = new Set(['and', 'or', 'unless', 'bool', 'offset', 'start', 'end', 'inf', 'nan']);

/**
 * The names of the metrics in an expression, each once. It knows PromQL well enough for expressions of rules and
 * dashboards: names in strings, label lists and matchers are none, functions and aggregations neither.
 */
export function metricNames(expr: string): string[] {
  const bare = expr
    .replaceAll(/"(?:[^"\\]|\\.)*"/g, '""')
    .replaceAll(/\{[^}]*\}/g, ' ') // matchers
    .replaceAll(/\[[^\]]*\]/g, ' ') // ranges
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, ' ')
    .replaceAll(/\$\{?\w+\}?/g, ' '); // dashboard variables
  const names = [...bare.matchAll(/(?<![\w:.])([a-zA-Z_:][\w:]*)(?!\s*\(|[\w:])/g)].map(([, name]) => name);
  return [...new Set(names)].filter((name) => !keywords.has(name.toLowerCase()));
}
