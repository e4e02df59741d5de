import { clustersDefaults, type ClustersQuery } from './kinds/clusters/query';
import { sloDefaults, type sloParts, type SloQuery } from './kinds/slo/query';
import type { Scope, ScopeField } from './scope';

/** The queries that can answer with the values of a dashboard variable. */
export type DistinctQuery = ClustersQuery | SloQuery;

/** What a variable's values can be: those of a scope's field, or the names of objectives or SLIs. */
export type DistinctValues = ScopeField | (typeof sloParts)[number];

/** Asks for the distinct values within a scope. */
export function distinctQuery(refId: string, values: DistinctValues, scope: Scope): DistinctQuery {
  return values === 'objective' || values === 'sli'
    ? { refId, ...sloDefaults, level: 'region', distinct: values, scope }
    : { refId, ...clustersDefaults, distinct: values, scope };
}
