// The datasource's queries as the dashboards write them: one builder a kind, typed by the front end's own union.
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import type {
  ClustersQuery,
  FleetQuery,
  InspectionsQuery,
  PromqlQuery,
  SloQuery,
} from '../../src/datasource/queries.ts';

/** Lets a plain query object be added to a panel of the foundation SDK. */
class QueryBuilder implements cog.Builder<cog.Dataquery> {
  constructor(private readonly query: Partial<FleetQuery> & Pick<FleetQuery, 'kind' | 'refId'>) {}

  build(): cog.Dataquery {
    const query: object = { ...this.query, datasource };
    return query as cog.Dataquery;
  }
}

/** Every panel asks the datasource that the dashboard's first variable names. */
export const datasource = { type: 'etcdfleet-slo-datasource', uid: '${datasource}' };

/** One frame a series over the dashboard's time range. */
export function range(expr: string, legend: string, refId = 'A') {
  return new QueryBuilder({ kind: 'promql', refId, expr, legend, mode: 'range' } satisfies Partial<PromqlQuery>);
}

/** A table with a row a series, as of the end of the time range; its last column is called `name`. */
export function instant(expr: string, name = 'Value', refId = 'A') {
  return new QueryBuilder({
    kind: 'promql',
    refId,
    expr,
    legend: name,
    mode: 'instant',
  } satisfies Partial<PromqlQuery>);
}

export function clusters(query: Omit<Partial<ClustersQuery>, 'kind'>) {
  return new QueryBuilder({ refId: 'A', ...query, kind: 'clusters' });
}

export function inspections(query: Omit<Partial<InspectionsQuery>, 'kind'>) {
  return new QueryBuilder({ refId: 'A', ...query, kind: 'inspections' });
}

export function serviceLevels(query: Omit<Partial<SloQuery>, 'kind'>) {
  return new QueryBuilder({ refId: 'A', ...query, kind: 'slo' });
}
