import {
  type AnnotationSupport,
  CoreApp,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceInstanceSettings,
  dateTime,
  type MetricFindValue,
  type ScopedVars,
} from '@grafana/data';
import { DataSourceWithBackend, frameToMetricFindValue, getTemplateSrv } from '@grafana/runtime';
import { EMPTY, expand, lastValueFrom, map, type Observable, reduce } from 'rxjs';

import { type DistinctQuery, distinctQuery, type DistinctValues } from './distinct';
import { expandScope } from './interpolation';
import { type FleetQuery, kindNamed, kinds, queryKinds } from './kinds';
import { eventsDefaults } from './kinds/events/query';
import type { Suggestions } from './kinds/kind';
import { maxLimit } from './page';
import { interpolateQuery, isProblem, normalizeQuery } from './queries';
import type { Scope, ScopeField } from './scope';
import type { FleetOptions } from './settings';
import { FleetVariableSupport } from './variables';

/** Bounds what a variable may load, whatever the backend answers. */
const maxValues = 50 * maxLimit;

export class FleetDatasource extends DataSourceWithBackend<FleetQuery, FleetOptions> implements Suggestions {
  /** Annotations are queries of any kind; a new one begins with the Events. */
  readonly annotations: AnnotationSupport<FleetQuery> = {
    getDefaultQuery: () => ({ ...eventsDefaults, format: 'annotations' }),
  };

  constructor(
    settings: DataSourceInstanceSettings<FleetOptions>,
    private readonly templates = getTemplateSrv()
  ) {
    super(settings);
    this.variables = new FleetVariableSupport((request) => this.distinct(request));
  }

  getDefaultQuery(app: CoreApp): Partial<FleetQuery> {
    return (app === CoreApp.Explore ? kinds.promql : kinds.clusters).defaults;
  }

  /** Holds back what is not written yet. Anything else goes out, so that the backend can say what is wrong. */
  filterQuery(query: FleetQuery): boolean {
    const isBlank = () => queryKinds.includes(query.kind) && kindNamed(query.kind).isBlank?.(query);
    return query.kind !== undefined && !isBlank();
  }

  applyTemplateVariables(query: FleetQuery, scopedVars: ScopedVars): FleetQuery {
    const normalized = normalizeQuery(query);
    return isProblem(normalized) ? query : interpolateQuery(normalized, { templates: this.templates, scopedVars });
  }

  /** A table without rows has no columns either: Grafana's table then shows the panel's text for no data. */
  query(request: DataQueryRequest<FleetQuery>): Observable<DataQueryResponse> {
    // A node graph refuses frames without its columns.
    const isTable = ({ meta }: DataFrame) => meta?.preferredVisualisationType !== 'nodeGraph';
    const withoutColumns = (frame: DataFrame): DataFrame =>
      frame.length === 0 && isTable(frame) ? { ...frame, fields: [] } : frame;
    return super.query(request).pipe(map((response) => ({ ...response, data: response.data.map(withoutColumns) })));
  }

  /** The distinct values of a dimension, or the names of objectives or SLIs, sorted: as many pages as there are. */
  distinct(request: DataQueryRequest<DistinctQuery>): Observable<MetricFindValue[]> {
    const page = (offset: number) =>
      this.query({
        ...request,
        targets: request.targets.map((target) => ({ ...target, limit: maxLimit, offset })),
      }).pipe(map((response) => ({ offset, values: valuesOf(response) })));

    return page(0).pipe(
      expand(({ offset, values }) => {
        const next = offset + maxLimit;
        return values.length < maxLimit || next >= maxValues ? EMPTY : page(next);
      }),
      reduce((all: MetricFindValue[], { values }) => all.concat(values), [])
    );
  }

  /** The values to offer in an editor for one field of a scope. */
  scopeValues(field: ScopeField, scope: Scope): Promise<string[]> {
    return this.values(field, scope);
  }

  /** The names of the objectives that are recorded for a scope. */
  objectives(scope: Scope): Promise<string[]> {
    return this.values('objective', scope);
  }

  private async values(what: DistinctValues, scope: Scope): Promise<string[]> {
    const now = dateTime();
    const values = await lastValueFrom(
      this.distinct({
        app: CoreApp.Unknown,
        requestId: `${this.uid}-${what}`,
        interval: '1s',
        intervalMs: 1000,
        range: { from: now, to: now, raw: { from: 'now', to: 'now' } },
        scopedVars: {},
        targets: [distinctQuery('values', what, scope)],
        timezone: 'browser',
        startTime: now.valueOf(),
      })
    );
    return values.map(({ text }) => text);
  }

  /** A scope with the dashboard's current values in place of its variables. */
  expandScope(scope: Scope): Scope {
    return expandScope(scope, { templates: this.templates, scopedVars: {} });
  }

  /** The checks that any inspection names. */
  checks(): Promise<string[]> {
    return this.getResource<string[]>('checks');
  }

  /** The reasons of the Events that are there now. */
  reasons(): Promise<string[]> {
    return this.getResource<string[]>('reasons');
  }
}

// A request that fails as a whole sets only the deprecated `error`.
// eslint-disable-next-line @typescript-eslint/no-deprecated
function valuesOf({ data, error, errors }: DataQueryResponse): MetricFindValue[] {
  const problem = errors?.[0] ?? error;
  if (problem) {
    throw new Error(problem.message ?? 'The values could not be read: see the datasource’s Save & test.');
  }
  return data.flatMap((frame) => frameToMetricFindValue(frame));
}
