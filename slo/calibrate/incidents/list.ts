// Incidents that people write: a YAML or JSON list with the fields of docs/slo.md.
import { z } from 'zod';
import { clusterLabels } from '../../generate/series.ts';
import type { FieldPath } from '../../model/source.ts';
import { suggest } from '../../model/suggestion.ts';
import {
  checkOrder,
  exampleTime,
  finished,
  Problems,
  time,
  type Incident,
  type RawIncident,
  type Reading,
} from './incident.ts';

const labelValue = z.union([z.string().min(1), z.number().transform(String)]);
const labelValues = z.union(
  [labelValue.transform((value) => [value]), z.array(labelValue).min(1)],
  'is not a value of the label. Write one, or a list of some.'
);

const scope = z
  .strictObject(Object.fromEntries(clusterLabels.map((label) => [label, labelValues.optional()])), {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `${key} is not a label of clusters. ${suggest(key, [...clusterLabels])}`).join(' ')
        : `is not a mapping. Write labels of clusters, for example { cluster: gz-etcd-default }.`,
  })
  .default({});

const fields = ['start', 'end', 'scope', 'severity', 'note'];

const incident = z.strictObject(
  {
    start: time,
    end: time.optional(),
    scope,
    severity: z.string().default('page'),
    note: z.string().default(''),
  },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `${key} is not a field of an incident. ${suggest(key, fields)}`).join(' ')
        : `is not an incident. Write { start: ${exampleTime}, end: …, scope: { cluster: … }, severity: page, note: … }.`,
  }
);

/** The list in a value, and the path to it; undefined when there is none. */
export function listIn(value: unknown): { list: unknown[]; prefix: FieldPath } | undefined {
  if (Array.isArray(value)) {
    return { list: value, prefix: [] };
  }
  const { incidents } = (value ?? {}) as { incidents?: unknown };
  return Array.isArray(incidents) ? { list: incidents, prefix: ['incidents'] } : undefined;
}

/** An incident without an end lasts until now. `at` says where a path is written. */
export function parseList(
  list: unknown[],
  prefix: FieldPath,
  at: (path: FieldPath) => string,
  { now }: Reading
): Incident[] {
  const problems = new Problems();
  const incidents = list.flatMap((item, index) => {
    const path = [...prefix, index];
    const { data, error } = incident.safeParse(item);
    for (const issue of error?.issues ?? []) {
      const field = [...path, ...(issue.path as Array<string | number>)];
      const missing = issue.code === 'invalid_union' && fieldOf(item, issue.path) === undefined;
      problems.add(
        `${at(field)}: ${field.join('.')}`,
        missing ? `is missing. Write RFC 3339, for example ${exampleTime}.` : issue.message
      );
    }
    if (!data) {
      return [];
    }
    const found = { ...data, end: data.end ?? now } as RawIncident;
    checkOrder(found, `${at([...path, 'end'])}: ${[...path, 'end'].join('.')}`, problems);
    return [finished(found, at(path))];
  });
  problems.throwIfAny();
  return incidents;
}

const fieldOf = (item: unknown, path: PropertyKey[]) =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], item);
