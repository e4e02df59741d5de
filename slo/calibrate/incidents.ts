// Lists of incidents: what really happened, as people and other tools write it. No I/O.
import { z } from 'zod';
import { clusterLabels } from '../generate/series.ts';
import type { Urgency } from '../model/schema.ts';
import { Source, type FieldPath } from '../model/source.ts';
import { suggest } from '../model/suggestion.ts';
import type { ClusterLabels } from './history.ts';

/** Which clusters: each label has one of the values; labels that are absent may have any. */
export type ClusterScope = Partial<Record<keyof ClusterLabels, string[]>>;

export interface Incident {
  /** Seconds. */
  start: number;
  end: number;
  scope: ClusterScope;
  severity: string;
  note: string;
  /** What somebody had to do: see urgencyOf. */
  urgency: Urgency;
  /** Where it is written, such as `incidents.yaml:3`. */
  where: string;
}

/** A list that cannot be used, with each place and what to write there. */
export class IncidentError extends Error {}

/** Severities of what could wait for the next day; every other one had to wake somebody up. */
export const ticketSeverities = ['ticket', 'info', 'low', 'minor'];

export const urgencyOf = (severity: string): Urgency =>
  ticketSeverities.includes(severity.toLowerCase()) ? 'ticket' : 'page';

export const inScope = (scope: ClusterScope, labels: ClusterLabels) =>
  clusterLabels.every((label) => scope[label] === undefined || scope[label].includes(labels[label]));

export const describeScope = (scope: ClusterScope) =>
  clusterLabels
    .filter((label) => scope[label])
    .map((label) => `${label}=${scope[label]!.join('|')}`)
    .join(' ') || 'everywhere';

/** A list in any of the formats, told by its text; `file` is for messages. Throws an IncidentError. */
export function parseIncidents(text: string, file: string): Incident[] {
  if (!text.trim()) {
    return [];
  }
  const firstLine = text.trimStart().split('\n', 1)[0];
  return /^\s*"?start"?\s*,/.test(firstLine) || file.endsWith('.csv') ? parseCsv(text, file) : parseYaml(text, file);
}

// ------------------------------------------------------------------------------------------------------- YAML and JSON

const example = '2026-07-01T10:00:00Z';
const timePattern = /^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:?\d\d)$/;

const time = z
  .union([z.string(), z.date()], `is not a time. Write RFC 3339, for example ${example}.`)
  .transform((value, context) => {
    const text = value instanceof Date ? value.toISOString() : value.trim();
    const milliseconds = timePattern.test(text) ? Date.parse(text.replace(' ', 'T')) : NaN;
    if (Number.isNaN(milliseconds)) {
      context.addIssue({
        code: 'custom',
        message: `${text || 'Nothing'} is not a time. Write RFC 3339 with a zone, for example ${example}.`,
      });
      return z.NEVER;
    }
    return milliseconds / 1000;
  });

const labelValues = z.union(
  [z.string().transform((value) => [value]), z.array(z.string()).min(1)],
  'is not a value of the label. Write one, or a list of some.'
);

const scope = z
  .strictObject(Object.fromEntries(clusterLabels.map((label) => [label, labelValues.optional()])), {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `${key} is no label of clusters. ${suggest(key, [...clusterLabels])}`).join(' ')
        : `is no mapping. Write labels of clusters, for example { cluster: gz-etcd-default }.`,
  })
  .default({});

const incidentFields = ['start', 'end', 'scope', 'severity', 'note'];

const incident = z.strictObject(
  { start: time, end: time, scope, severity: z.string().default('page'), note: z.string().default('') },
  {
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? issue.keys.map((key) => `${key} is no field of an incident. ${suggest(key, incidentFields)}`).join(' ')
        : `is no incident. Write { start: ${example}, end: …, scope: { cluster: … }, severity: page, note: … }.`,
  }
);

/** Collects what is wrong, so that all of it is said at once. */
class Problems {
  private readonly lines: string[] = [];

  add(where: string, message: string) {
    this.lines.push(`${where}: ${message}`);
  }

  throwIfAny() {
    if (this.lines.length) {
      throw new IncidentError(this.lines.join('\n'));
    }
  }
}

type RawIncident = { start: number; end: number; scope: ClusterScope; severity: string; note: string };

const finished = (raw: RawIncident, where: string): Incident => ({ ...raw, urgency: urgencyOf(raw.severity), where });

function parseYaml(text: string, file: string): Incident[] {
  const source = new Source(file, text);
  const problems = new Problems();
  for (const { line, message } of source.syntaxProblems()) {
    problems.add(`${file}:${line}`, message);
  }
  problems.throwIfAny();
  const value = source.value();
  const at = (path: FieldPath) => `${file}:${source.problem(path, '').line}`;
  if (isList(value, 'items') && value.items.every((item) => isOf(item, 'Event'))) {
    return value.items.flatMap((item, index) => ofKubernetesEvent(item as KubernetesEvent, at(['items', index])));
  }
  if (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((item) => item && typeof item === 'object' && 'startsAt' in item)
  ) {
    return value.map((item, index) => ofAlert(item as Alert, at([index])));
  }
  const [list, prefix]: [unknown, FieldPath] = isList(value, 'incidents')
    ? [value.incidents, ['incidents']]
    : [value, []];
  if (!Array.isArray(list)) {
    throw new IncidentError(
      `${file}:1: is no list of incidents. Write one as in docs/slo.md, or give a CSV, amtool's or the Kubernetes API's JSON.`
    );
  }
  const incidents = list.map((item, index) => {
    const path = [...prefix, index];
    const { data, error } = incident.safeParse(item);
    for (const issue of error?.issues ?? []) {
      const field = [...path, ...(issue.path as Array<string | number>)];
      const missing = issue.code === 'invalid_union' && fieldOf(item, issue.path) === undefined;
      problems.add(
        `${at(field)}: ${field.join('.')}`,
        missing ? `is missing. Write RFC 3339, for example ${example}.` : issue.message
      );
    }
    return (
      data &&
      checkedOrder(
        finished(data as RawIncident, at(path)),
        `${at([...path, 'end'])}: ${[...path, 'end'].join('.')}`,
        problems
      )
    );
  });
  problems.throwIfAny();
  return incidents.filter((found) => found !== undefined);
}

const fieldOf = (item: unknown, path: PropertyKey[]) =>
  path.reduce<unknown>((value, key) => (value as Record<PropertyKey, unknown> | undefined)?.[key], item);

function checkedOrder(found: Incident, where: string, problems: Problems): Incident {
  if (found.end < found.start) {
    problems.add(where, 'is before start. Exchange the two, or correct one.');
  }
  return found;
}

function isList<Field extends string>(value: unknown, field: Field): value is Record<Field, unknown[]> {
  return typeof value === 'object' && value !== null && Array.isArray((value as Record<string, unknown>)[field]);
}

const isOf = (item: unknown, kind: string) => (item as { kind?: string } | null)?.kind === kind;

// -------------------------------------------------------------------------------------------------------- Alertmanager

/** As `amtool alert query -o json` and GET /api/v2/alerts write it. */
interface Alert {
  startsAt: string;
  endsAt: string;
  labels: Record<string, string>;
  annotations?: Record<string, string>;
}

/** Labels of clusters become the scope. An alert that still fires ends when Alertmanager would forget it. */
function ofAlert({ startsAt, endsAt, labels, annotations = {} }: Alert, where: string): Incident {
  const scopeOfLabels = Object.fromEntries(
    clusterLabels.filter((label) => labels[label]).map((label) => [label, [labels[label]]])
  );
  return finished(
    {
      start: secondsOf(startsAt, `${where}: startsAt`),
      end: secondsOf(endsAt, `${where}: endsAt`),
      scope: scopeOfLabels,
      severity: labels.urgency ?? labels.severity ?? 'page',
      note: [labels.alertname, annotations.summary].filter(Boolean).join(': '),
    },
    where
  );
}

// ---------------------------------------------------------------------------------------------------------- Kubernetes

/** As `kubectl get events -o json` writes it, of core/v1 and of events.k8s.io/v1. */
interface KubernetesEvent {
  type?: string;
  reason?: string;
  message?: string;
  note?: string;
  metadata?: { namespace?: string };
  involvedObject?: { kind?: string; name?: string; namespace?: string };
  regarding?: KubernetesEvent['involvedObject'];
  firstTimestamp?: string | null;
  lastTimestamp?: string | null;
  eventTime?: string | null;
  deprecatedFirstTimestamp?: string | null;
  deprecatedLastTimestamp?: string | null;
  series?: { lastObservedTime?: string } | null;
}

/** Warnings only. About an EtcdCluster the scope is the cluster, else the region, whose namespace the objects are in. */
function ofKubernetesEvent(event: KubernetesEvent, where: string): Incident[] {
  if (event.type !== 'Warning') {
    return [];
  }
  const about = event.involvedObject ?? event.regarding ?? {};
  const start = event.firstTimestamp || event.deprecatedFirstTimestamp || event.eventTime;
  const end = event.lastTimestamp || event.deprecatedLastTimestamp || event.series?.lastObservedTime || start;
  const region = about.namespace ?? event.metadata?.namespace;
  return [
    finished(
      {
        start: secondsOf(start ?? '', `${where}: firstTimestamp`),
        end: secondsOf(end ?? '', `${where}: lastTimestamp`),
        scope: {
          ...(region && { region: [region] }),
          ...(about.kind === 'EtcdCluster' && about.name && { cluster: [about.name] }),
        },
        severity: 'ticket',
        note: [event.reason, event.message ?? event.note].filter(Boolean).join(': '),
      },
      where
    ),
  ];
}

function secondsOf(text: string, where: string): number {
  const { data, error } = time.safeParse(text);
  if (error) {
    throw new IncidentError(`${where}: ${error.issues[0].message}`);
  }
  return data;
}

// ----------------------------------------------------------------------------------------------------------------- CSV

const columns = ['start', 'end', ...clusterLabels, 'severity', 'note'];

/** A heading names the columns; several values of a label are written a|b. */
function parseCsv(text: string, file: string): Incident[] {
  const [heading, ...rows] = csvRows(text);
  const problems = new Problems();
  for (const name of heading.cells.filter((cell) => !columns.includes(cell))) {
    problems.add(`${file}:${heading.line}: ${name || 'an empty heading'}`, `is no column. ${suggest(name, columns)}`);
  }
  for (const name of ['start', 'end'].filter((wanted) => !heading.cells.includes(wanted))) {
    problems.add(`${file}:${heading.line}`, `has no column ${name}. The heading may be: ${columns.join(',')}`);
  }
  problems.throwIfAny();
  const incidents = rows.map(({ line, cells }) => {
    const cell = (name: string) => cells[heading.cells.indexOf(name)]?.trim() ?? '';
    const timeOf = (name: string) => {
      const { data, error } = time.safeParse(cell(name));
      if (error) {
        problems.add(`${file}:${line}: ${name}`, error.issues[0].message);
      }
      return data ?? 0;
    };
    if (cells.length > heading.cells.length) {
      problems.add(
        `${file}:${line}`,
        `has ${cells.length} cells for ${heading.cells.length} columns. Put quotes around text with commas.`
      );
    }
    const scopeOfCells = Object.fromEntries(
      clusterLabels.filter((label) => cell(label)).map((label) => [label, cell(label).split('|')])
    );
    const raw = {
      start: timeOf('start'),
      end: timeOf('end'),
      scope: scopeOfCells,
      severity: cell('severity') || 'page',
      note: cell('note'),
    };
    return checkedOrder(finished(raw, `${file}:${line}`), `${file}:${line}: end`, problems);
  });
  problems.throwIfAny();
  return incidents;
}

/** Rows by RFC 4180, without empty ones, each with the line on which it begins. */
function csvRows(text: string): Array<{ line: number; cells: string[] }> {
  const rows: Array<{ line: number; cells: string[] }> = [];
  let [line, row] = [1, { line: 1, cells: [] as string[] }];
  for (const [whole, quoted, plain, end] of text.matchAll(/(?:"((?:[^"]|"")*)"|([^,\r\n]*))(,|\r?\n|$)/g)) {
    row.cells.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'));
    line += whole.split('\n').length - 1;
    if (end !== ',') {
      if (row.cells.some(Boolean)) {
        rows.push(row);
      }
      row = { line, cells: [] };
    }
  }
  return rows;
}
