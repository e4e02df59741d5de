// Lists of incidents: what really happened, as people and other tools write it. No I/O.
import { clusterLabels } from '../generate/series.ts';
import { Source, type FieldPath } from '../model/source.ts';
import type { ClusterLabels } from './history.ts';
import { areAlerts, ofAlert } from './incidents/alerts.ts';
import { isCsv, parseCsv } from './incidents/csv.ts';
import {
  IncidentError,
  Problems,
  urgencyOf,
  type ClusterScope,
  type Incident,
  type Reading,
} from './incidents/incident.ts';
import { eventsIn, ofKubernetesEvent } from './incidents/kubernetes-events.ts';
import { listIn, parseList } from './incidents/list.ts';

export { IncidentError, urgencyOf, type ClusterScope, type Incident };

export const inScope = (scope: ClusterScope, labels: ClusterLabels) =>
  clusterLabels.every((label) => scope[label] === undefined || scope[label].includes(labels[label]));

export const describeScope = (scope: ClusterScope) =>
  clusterLabels
    .filter((label) => scope[label])
    .map((label) => `${label}=${scope[label]!.join('|')}`)
    .join(' ') || 'everywhere';

export interface ReadOptions {
  /** Seconds: when an incident without an end is taken to end. Default: the present. */
  now?: number;
  /** Takes a sentence for each entry that is no incident, with its place. */
  onLeftOut?(sentence: string): void;
}

/**
 * A list in any of the formats, recognized by its text; `file` is for messages. An incident without an end lasts until
 * now. Throws an IncidentError that names each line, its field and the remedy; a list is read whole or not at all.
 */
export function parseIncidents(text: string, file: string, options: ReadOptions = {}): Incident[] {
  const { now = Date.now() / 1000, onLeftOut } = options;
  const reading: Reading = { now, leaveOut: (where, why) => onLeftOut?.(`${where}: ${why}`) };
  const content = text.replace(/^\uFEFF/, '');
  if (!content.trim()) {
    return [];
  }
  return isCsv(content) || file.endsWith('.csv')
    ? parseCsv(content, file, reading)
    : parseDocument(content, file, reading);
}

/** YAML, or JSON, which is YAML as well. */
function parseDocument(text: string, file: string, reading: Reading): Incident[] {
  const source = new Source(file, text);
  const problems = new Problems();
  for (const { line, message } of source.syntaxProblems()) {
    problems.add(`${file}:${line}`, message);
  }
  problems.throwIfAny();
  const value = source.valueWithoutNulls();
  const at = (path: FieldPath) => `${file}:${source.problem(path, '').line}`;
  const events = eventsIn(value);
  if (events) {
    return events.flatMap((item, index) => ofKubernetesEvent(item, at(['items', index]), reading));
  }
  const found = listIn(value);
  if (!found) {
    throw new IncidentError(
      `${file}:1: is not a list of incidents. Write one as in docs/slo.md, or give a CSV, amtool's or the Kubernetes API's JSON.`
    );
  }
  return areAlerts(found.list)
    ? found.list.flatMap((item, index) => ofAlert(item, at([...found.prefix, index]), reading))
    : parseList(found.list, found.prefix, at, reading);
}
