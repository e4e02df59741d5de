import type { DataFrame } from '@grafana/data';
import { getBackendSrv, isFetchError } from '@grafana/runtime';
import { catchError, map, type Observable, throwError } from 'rxjs';

import { inspectionsDefaults, type InspectionsQuery } from '../../datasource/kinds/inspections/query';
import { maxLimit } from '../../datasource/page';
import { queryNow } from '../../fleet/queryNow';
import { type InspectionRow, toRows } from './rows';
import type { Inspection } from './runs';

/** Whether the user may run inspections; `reason` says why not. */
export interface Permission {
  allowed: boolean;
  reason: string;
}

export function askPermission(datasourceUid: string): Observable<Permission> {
  return request<Permission>('GET', `${resources(datasourceUid)}/permission`);
}

/** Requests an immediate run and returns the request's identity. Fails with a message for the user. */
export function requestRun({ datasourceUid, region, cluster, check }: Inspection): Observable<string> {
  return request<{ request: string }>('POST', `${resources(datasourceUid)}/run`, { region, cluster, check }).pipe(
    map((answer) => answer.request)
  );
}

/** Reads the rows of just these inspections, which belong to one datasource. */
export function readRows(datasourceUid: string, inspections: Inspection[]): Observable<InspectionRow[]> {
  return queryNow(datasourceUid, queriesFor(inspections)).pipe(
    map(({ data }) => data.flatMap((frame: DataFrame) => toRows(frame, datasourceUid)))
  );
}

/** A query for each region and check, so that each answer holds what is asked for and nothing else. */
export function queriesFor(inspections: Inspection[]): InspectionsQuery[] {
  return groupedBy(inspections, ({ region, check }) => JSON.stringify([region, check]))
    .flatMap(pages)
    .map((page, index) => ({
      ...inspectionsDefaults,
      refId: `run${index}`,
      scope: { region: [page[0].region], cluster: page.map(({ cluster }) => cluster) },
      checks: [page[0].check],
      limit: maxLimit,
    }));
}

/** Groups of equal key, in the order of their first members. */
export function groupedBy<T>(items: T[], keyOf: (item: T) => string): T[][] {
  const groups = new Map<string, T[]>();
  items.forEach((item) => groups.set(keyOf(item), [...(groups.get(keyOf(item)) ?? []), item]));
  return [...groups.values()];
}

function pages(inspections: Inspection[]): Inspection[][] {
  const count = Math.ceil(inspections.length / maxLimit);
  return Array.from({ length: count }, (_, page) => inspections.slice(page * maxLimit, (page + 1) * maxLimit));
}

function resources(datasourceUid: string | undefined): string {
  return `/api/datasources/uid/${datasourceUid}/resources/inspections`;
}

function request<T>(method: string, url: string, data?: unknown): Observable<T> {
  return getBackendSrv()
    .fetch<T>({ method, url, data, showErrorAlert: false, hideFromInspector: true })
    .pipe(
      map((response) => response.data),
      catchError((error: unknown) => throwError(() => new Error(sentence(error))))
    );
}

/** The backend's message, or else the browser's. */
function sentence(error: unknown): string {
  if (isFetchError(error)) {
    const said: unknown = error.data?.message;
    return typeof said === 'string' && said !== ''
      ? said
      : `Grafana answered ${error.status} ${error.statusText ?? ''}`.trim();
  }
  return error instanceof Error ? error.message : 'Grafana cannot be reached: check the network.';
}
