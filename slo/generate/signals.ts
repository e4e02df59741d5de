// What diagnoses read of Prometheus, for the allow-list of metrics.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';

/** Every PromQL expression of the signals in pkg/diagnosis, for all clusters. */
export function signalExprs(file = path.resolve(import.meta.dirname, '../../pkg/diagnosis/signals.yaml')): string[] {
  const signals = parse(readFileSync(file, 'utf8')) as Record<string, { expr: string }>;
  return Object.values(signals).map(({ expr }) => expr.replaceAll('$scope', ''));
}
