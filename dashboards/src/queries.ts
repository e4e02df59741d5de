// The datasource's queries as the dashboards write them: one builder per kind, typed by the front end's own union.
import type * as cog from '@grafana/grafana-foundation-sdk/cog';
import type { ClustersQuery } from '../../src/datasource/kinds/clusters/query.ts';
import type { DiagnosisQuery } from '../../src/datasource/kinds/diagnosis/query.ts';
import type { EventsQuery } from '../../src/datasource/kinds/events/query.ts';
import type { ImpactQuery } from '../../src/datasource/kinds/impact/query.ts';
import type { FleetQuery } from '../../src/datasource/kinds/index.ts';
import type { InspectionsQuery } from '../../src/datasource/kinds/inspections/query.ts';
import type { PromqlQuery } from '../../src/datasource/kinds/promql/query.ts';
import type { SloQuery } from '../../src/datasource/kinds/slo/query.ts';
import type { TopologyQuery } from '../../src/datasource/kinds/topology/query.ts';
import { datasourceType } from '../../src/ids.ts';

/** Lets a plain query object be added to a panel of the foundation SDK. */
class QueryBuilder implements cog.Builder<cog.Dataquery> {
  constructor(private readonly query: Partial<FleetQuery> & Pick<FleetQuery, 'kind' | 'refId'>) {}

  build(): cog.Dataquery {
    const query: object = { ...this.query, datasource };
    return query as cog.Dataquery;
  }
}

/** Every panel asks the datasource that the dashboard's first variable names. */
export const datasource = { type: datasourceType, uid: '${datasource}' };

/** One frame per series over the dashboard's time range. */
export function range(expr: string, legend: string, refId = 'A') {
  return new QueryBuilder({ kind: 'promql', refId, expr, legend, mode: 'range' } satisfies Partial<PromqlQuery>);
}

/** A table with one row per series, as of the end of the time range; its last column is called `name`. */
export function instant(expr: string, name = 'Value', refId = 'A') {
  return new QueryBuilder({
    kind: 'promql',
    refId,
    expr,
    legend: name,
    mode: 'instant',
  } satisfies Partial<PromqlQuery>);
}

/** How many series satisfy a condition: 0 when none does, and nothing at all when there are no series. */
export const countOf = (series: string, condition: string) => `count(${series} ${condition}) or 0 * count(${series})`;

/** Inspections whose last run found a fault; nothing when none is known to have run. */
export const failedInspections = (where: string) =>
  `count(etcd_inspection_outcome{outcome="Failed",${where}} == 1) or 0 * count(etcd_inspection_outcome{${where}})`;

export function clusters(query: Omit<Partial<ClustersQuery>, 'kind'>) {
  return new QueryBuilder({ refId: 'A', ...query, kind: 'clusters' });
}

export function diagnosis(query: Omit<Partial<DiagnosisQuery>, 'kind'>) {
  return new QueryBuilder({ refId: 'A', ...query, kind: 'diagnosis' });
}

export function events(query: Omit<Partial<EventsQuery>, 'kind'>) {
  return new QueryBuilder({ refId: 'A', ...query, kind: 'events' });
}

export function impact(query: Omit<Partial<ImpactQuery>, 'kind'>) {
  return new QueryBuilder({ refId: 'A', ...query, kind: 'impact' });
}

export function inspections(query: Omit<Partial<InspectionsQuery>, 'kind'>) {
  return new QueryBuilder({ refId: 'A', ...query, kind: 'inspections' });
}

export function topology(query: Omit<Partial<TopologyQuery>, 'kind'>) {
  return new QueryBuilder({ refId: 'A', ...query, kind: 'topology' });
}

export function serviceLevels(query: Omit<Partial<SloQuery>, 'kind'>) {
  return new QueryBuilder({ refId: 'A', ...query, kind: 'slo' });
}
