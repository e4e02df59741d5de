// What the generated dashboards read, for the allow-list of metrics.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

/** Every PromQL expression in the dashboards of a folder. */
export function dashboardExprs(directory = path.resolve(import.meta.dirname, '../../dashboards')): string[] {
  return readdirSync(directory)
    .filter((file) => file.endsWith('.json') && file !== 'package.json')
    .sort()
    .flatMap((file) => exprsIn(JSON.parse(readFileSync(path.join(directory, file), 'utf8'))));
}

function exprsIn(value: unknown): string[] {
  if (typeof value !== 'object' || value === null) {
    return [];
  }
  return Object.entries(value).flatMap(([field, inner]) =>
    field === 'expr' && typeof inner === 'string' ? [inner] : exprsIn(inner)
  );
}
