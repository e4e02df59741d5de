import {
  CoreApp,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceInstanceSettings,
  dateTime,
  type MetricFindValue,
  type ScopedVars,
} from '@grafana/data';
import { DataSourceWithBackend, frameToMetricFindValue, getTemplateSrv } from '@grafana/runtime';
import { EMPTY, expand, lastValueFrom, map, type Observable, reduce } from 'rxjs';

import { interpolate, interpolateScope } from './interpolate';
import { defaults, isProblem, normalizeQuery } from './normalize';
import {
  type ClustersQuery,
  type Dimension,
  type DistinctQuery,
  type FleetQuery,
  maxLimit,
  type Scope,
  type SloQuery,
} from './queries';
import type { FleetOptions } from './settings';
import { FleetVariableSupport } from './variables';

/** Bounds what a variable may load, whatever the backend answers. */
const maxValues = 50 * maxLimit;

export class FleetDatasource extends DataSourceWithBackend<FleetQuery, FleetOptions> {
  constructor(
    settings: DataSourceInstanceSettings<FleetOptions>,
    private readonly templates = getTemplateSrv()
  ) {
    super(settings);
    this.variables = new FleetVariableSupport(this);
  }

  getDefaultQuery(app: CoreApp): Partial<FleetQuery> {
    return app === CoreApp.Explore ? defaults.promql : defaults.clusters;
  }

  /** Holds back what is not written yet. Anything else goes out, so that the backend can say what is wrong. */
  filterQuery(query: FleetQuery): boolean {
    return query.kind !== undefined && !(query.kind === 'promql' && !query.expr?.trim());
  }

  applyTemplateVariables(query: FleetQuery, scopedVars: ScopedVars): FleetQuery {
    const normalized = normalizeQuery(query);
    return isProblem(normalized) ? query : interpolate(normalized, this.templates, scopedVars);
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

  /** The values to offer in an editor for one dimension of a scope. */
  dimensionValues(dimension: Dimension, scope: Scope): Promise<string[]> {
    const target: ClustersQuery = { refId: 'values', ...defaults.clusters, distinct: dimension, scope };
    return this.values(dimension, target);
  }

  /** The names of the objectives that are recorded for a scope. */
  objectives(scope: Scope): Promise<string[]> {
    const target: SloQuery = { refId: 'values', ...defaults.slo, distinct: 'objective', level: 'region', scope };
    return this.values('objective', target);
  }

  private async values(name: string, target: DistinctQuery): Promise<string[]> {
    const now = dateTime();
    const values = await lastValueFrom(
      this.distinct({
        app: CoreApp.Unknown,
        requestId: `${this.uid}-${name}`,
        interval: '1s',
        intervalMs: 1000,
        range: { from: now, to: now, raw: { from: 'now', to: 'now' } },
        scopedVars: {},
        targets: [target],
        timezone: 'browser',
        startTime: now.valueOf(),
      })
    );
    return values.map(({ text }) => text);
  }

  /** A scope with the dashboard's current values in place of its variables. */
  expandScope(scope: Scope): Scope {
    return interpolateScope(scope, this.templates, {});
  }

  /** The checks that any inspection names. */
  checks(): Promise<string[]> {
    return this.getResource<string[]>('checks');
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
