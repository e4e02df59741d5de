import type { InspectionRow } from './rows';

/**
 * The runs that were asked for in this panel, as plain data: nothing here depends on React, HTTP or a clock.
 *
 * A run is requested, then waits (queued, running) until its record is there. It is then removed, or stays
 * as failed until the user dismisses it.
 */
export interface Runs {
  byKey: Readonly<Record<string, Run>>;
  /** Rows newer than the panel's data, by key: what polling has seen of finished runs. */
  finished: Readonly<Record<string, InspectionRow>>;
}

export type Run = RequestedRun | WaitingRun | FailedRun;

/** The identity of an inspection. */
export type Inspection = Pick<InspectionRow, 'key' | 'datasourceUid' | 'region' | 'cluster' | 'check'>;

interface RequestedRun {
  phase: 'requested';
  inspection: Inspection;
}

export interface WaitingRun {
  phase: 'waiting';
  inspection: Inspection;
  state: 'queued' | 'running';
  /** The request to find in `answeredRequest`. */
  request: string;
  /** When its region last made progress, in milliseconds since 1970. */
  since: number;
}

interface FailedRun {
  phase: 'failed';
  inspection: Inspection;
  message: string;
  /** The request that may be answered after all. */
  request?: string;
}

export type RunEvent =
  | { type: 'requested'; inspections: Inspection[] }
  | { type: 'accepted'; key: string; request: string; now: number }
  | { type: 'refused'; key: string; message: string }
  | { type: 'observed'; rows: InspectionRow[]; now: number }
  | { type: 'refreshed'; rows: InspectionRow[]; now: number }
  | { type: 'elapsed'; now: number; timeoutSeconds: number }
  | { type: 'dismissed'; key: string };

export const noRuns: Runs = { byKey: {}, finished: {} };

export function reduceRuns(runs: Runs, event: RunEvent): Runs {
  switch (event.type) {
    case 'requested':
      return withRuns(
        runs,
        event.inspections.map((inspection) => ({ phase: 'requested', inspection }))
      );
    case 'accepted':
      return change(runs, event.key, ({ inspection }) => ({
        phase: 'waiting',
        inspection,
        state: 'queued',
        request: event.request,
        since: event.now,
      }));
    case 'refused':
      return change(runs, event.key, ({ inspection }) => ({ phase: 'failed', inspection, message: event.message }));
    case 'observed':
      return observe(runs, event.rows, event.now);
    case 'refreshed':
      return observe(dropOutdated(runs, event.rows), event.rows, event.now);
    case 'elapsed':
      return giveUp(runs, event.now, event.timeoutSeconds);
    case 'dismissed':
      return without(runs, [event.key]);
  }
}

export function waitingRuns(runs: Runs): WaitingRun[] {
  return Object.values(runs.byKey).filter((run) => run.phase === 'waiting');
}

export function isPending(run: Run | undefined): boolean {
  return run !== undefined && run.phase !== 'failed';
}

/** The rows to show: the panel's data, overtaken by what polling has seen. Links stay those of the panel's data. */
export function overlay(rows: InspectionRow[], runs: Runs): InspectionRow[] {
  return rows.map((row) => {
    const newer = runs.finished[row.key];
    return newer ? { ...newer, links: row.links } : row;
  });
}

function observe(runs: Runs, rows: InspectionRow[], now: number): Runs {
  const answered = rows.filter((row) => isAnswered(runs.byKey[row.key], row));
  const begun = rows.filter(({ key, state }) => {
    const run = runs.byKey[key];
    return run?.phase === 'waiting' && run.state === 'queued' && state === 'running';
  });
  if (answered.length === 0 && begun.length === 0) {
    return runs;
  }
  const finished = { ...runs.finished, ...Object.fromEntries(answered.map((row) => [row.key, row])) };
  const remaining = without({ ...runs, finished }, keysOf(answered));
  return markProgress(remaining, new Set(keysOf(begun)), new Set([...answered, ...begun].map(queueOf)), now);
}

/** A run that starts or ends shows that its region's queue moves: the time limit of all that wait in it starts again. */
function markProgress(runs: Runs, begun: Set<string>, queues: Set<string>, now: number): Runs {
  return withRuns(
    runs,
    waitingRuns(runs)
      .filter(({ inspection }) => queues.has(queueOf(inspection)))
      .map((run) => ({ ...run, since: now, state: begun.has(run.inspection.key) ? 'running' : run.state }))
  );
}

function isAnswered(run: Run | undefined, row: InspectionRow): boolean {
  if (run === undefined || run.phase === 'requested' || run.request === undefined) {
    return false;
  }
  // A later answer means that this request was overtaken by another client's.
  return row.answeredRequest === run.request || Date.parse(row.answeredRequest) > Date.parse(run.request);
}

function giveUp(runs: Runs, now: number, timeoutSeconds: number): Runs {
  const overdue = waitingRuns(runs).filter(({ since }) => now - since >= timeoutSeconds * 1000);
  return overdue.length === 0
    ? runs
    : withRuns(
        runs,
        overdue.map((run) => ({
          phase: 'failed',
          inspection: run.inspection,
          request: run.request,
          message: overdueMessage(run, timeoutSeconds),
        }))
      );
}

function overdueMessage({ state, inspection: { region } }: WaitingRun, timeoutSeconds: number): string {
  const time = timeoutSeconds % 60 === 0 ? `${timeoutSeconds / 60} min` : `${timeoutSeconds} s`;
  return state === 'queued'
    ? `Queued for ${time}: is the cruiser of region ${region} running? The run begins as soon as it is.`
    : `Running for ${time}: see the log of the cruiser of region ${region}. The result appears when it is there.`;
}

/** Forgets polled rows once the panel's own data is as new. */
function dropOutdated(runs: Runs, rows: InspectionRow[]): Runs {
  const outdated = rows.filter(({ key, lastRun }) => {
    const newer = runs.finished[key];
    return newer !== undefined && (lastRun ?? 0) >= (newer.lastRun ?? 0);
  });
  return outdated.length === 0 ? runs : { ...runs, finished: omit(runs.finished, keysOf(outdated)) };
}

function queueOf({ datasourceUid, region }: Pick<Inspection, 'datasourceUid' | 'region'>): string {
  return `${datasourceUid}/${region}`;
}

function keysOf(rows: Array<{ key: string }>): string[] {
  return rows.map(({ key }) => key);
}

function change(runs: Runs, key: string, next: (run: Run) => Run): Runs {
  const run = runs.byKey[key];
  return run ? withRuns(runs, [next(run)]) : runs;
}

function withRuns(runs: Runs, changed: Run[]): Runs {
  return { ...runs, byKey: { ...runs.byKey, ...Object.fromEntries(changed.map((run) => [run.inspection.key, run])) } };
}

function without(runs: Runs, keys: string[]): Runs {
  return { ...runs, byKey: omit(runs.byKey, keys) };
}

function omit<T>(record: Readonly<Record<string, T>>, keys: string[]): Record<string, T> {
  const gone = new Set(keys);
  return Object.fromEntries(Object.entries(record).filter(([key]) => !gone.has(key)));
}
