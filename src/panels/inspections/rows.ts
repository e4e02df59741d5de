import type { DataFrame, Field, LinkModel } from '@grafana/data';

import { type Outcome, outcomes } from '../../datasource/kinds/inspections/query';

/** One inspection: a row of the query kind `inspections` (docs/datasource.md), with where it came from. */
export interface InspectionRow {
  /** Identifies the inspection among all datasources. */
  key: string;
  /** The datasource that answered; undefined if it is not one of ours. */
  datasourceUid: string | undefined;
  region: string;
  cluster: string;
  product: string;
  scene: string;
  spec: string;
  check: string;
  /** Empty before the first run. */
  outcome: Outcome | '';
  state: 'idle' | 'queued' | 'running';
  /** Milliseconds since 1970. */
  lastRun: number | undefined;
  nextRun: number | undefined;
  /** Seconds. */
  duration: number | undefined;
  message: string;
  request: string;
  answeredRequest: string;
  requestedBy: string;
  /** Why no run can be requested, a sentence for the user; empty when one can. */
  blocked: string;
  history: HistoryRecord[];
  links: (column: string) => Array<LinkModel<Field>>;
}

/** A run of the past. */
export interface HistoryRecord {
  /** Milliseconds since 1970. */
  time: number;
  outcome: Outcome | '';
  message: string;
  values: Record<string, number>;
}

/** A region whose answer is not current. */
export interface RegionTrouble {
  name: string;
  state: 'stale' | 'syncing' | 'failed';
  /** Milliseconds since 1970. */
  since: number | undefined;
  error: string;
}

const requiredColumns = ['region', 'cluster', 'check', 'outcome', 'state'];

/** Whether a frame is an answer to an inspections query. One without rows has no columns. */
export function isInspectionsFrame(frame: DataFrame): boolean {
  if (frame.fields.length === 0) {
    return frame.name === 'inspections';
  }
  return requiredColumns.every((name) => frame.fields.some((field) => field.name === name));
}

/** The rows of a frame that `isInspectionsFrame`. */
export function toRows(frame: DataFrame, datasourceUid: string | undefined): InspectionRow[] {
  const fields = new Map(frame.fields.map((field) => [field.name, field]));
  return Array.from({ length: frame.length }, (_, index) => {
    const cell = (name: string): unknown => fields.get(name)?.values[index];
    const text = (name: string) => String(cell(name) ?? '');
    const number = (name: string) => toNumber(cell(name));
    return {
      key: [datasourceUid, text('region'), text('cluster'), text('check')].join('/'),
      datasourceUid,
      region: text('region'),
      cluster: text('cluster'),
      product: text('product'),
      scene: text('scene'),
      spec: text('spec'),
      check: text('check'),
      outcome: toOutcome(cell('outcome')),
      state: toState(cell('state')),
      lastRun: number('lastRun'),
      nextRun: number('nextRun'),
      duration: number('duration'),
      message: text('message'),
      request: text('request'),
      answeredRequest: text('answeredRequest'),
      requestedBy: text('requestedBy'),
      blocked: text('blocked'),
      history: toHistory(cell('history')),
      links: (column) => fields.get(column)?.getLinks?.({ valueRowIndex: index }) ?? [],
    };
  });
}

/** The regions of a frame that are not live. */
export function troubledRegions(frame: DataFrame): RegionTrouble[] {
  const regions: unknown = frame.meta?.custom?.regions;
  return objectsOf(regions)
    .filter(({ state }) => ['stale', 'syncing', 'failed'].includes(state))
    .map(({ name, state, since, error }) => ({
      name: String(name),
      state,
      since: toNumber(typeof since === 'string' ? Date.parse(since) : since),
      error: String(error ?? ''),
    }));
}

/** The first item of each key: queries of one panel may overlap. */
export function distinctBy<T>(items: T[], keyOf: (item: T) => string): T[] {
  const seen = new Set<string>();
  return items.filter((item) => !seen.has(keyOf(item)) && seen.add(keyOf(item)));
}

/** The severity of an outcome; no outcome is the least severe. */
export function severity(outcome: Outcome | ''): number {
  return outcomes.findIndex((candidate) => candidate === outcome);
}

function toOutcome(value: unknown): Outcome | '' {
  return outcomes.find((outcome) => outcome === value) ?? '';
}

function toState(value: unknown): InspectionRow['state'] {
  return value === 'queued' || value === 'running' ? value : 'idle';
}

function toNumber(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function toHistory(value: unknown): HistoryRecord[] {
  const records: unknown = typeof value === 'string' ? parseJson(value) : value;
  return objectsOf(records).map(({ time, outcome, message, values }) => ({
    time: toNumber(time) ?? 0,
    outcome: toOutcome(outcome),
    message: String(message ?? ''),
    values: values ?? {},
  }));
}

/** The objects of a list; nothing else in it can be shown. */
function objectsOf(list: unknown): Array<Record<string, any>> {
  return (Array.isArray(list) ? list : []).filter((item) => typeof item === 'object' && item !== null);
}

/** An unreadable history is shown as empty: the rest of the row is still valid. */
function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return [];
  }
}
