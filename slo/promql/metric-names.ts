// Which metrics a PromQL expression reads.
import { promqlTree, type PromqlNode } from './tree.ts';

/** The names of the metrics in an expression, each once. The expression may hold dashboard variables. */
export function metricNames(expr: string): string[] {
  const withValues = expr.replaceAll(/\$\{?\w+\}?/g, '1m'); // stands for a text, a number and a duration alike
  return [...new Set(metricsIn(withValues).map(({ text }) => text))];
}

/** Where an expression names a metric to read. */
export const metricsIn = (expr: string): PromqlNode[] =>
  promqlTree(expr)
    .all('VectorSelector')
    .flatMap((selector) => selector.child('Identifier') ?? []);
