import {
  CustomVariableSupport,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceApi,
  type MetricFindValue,
} from '@grafana/data';
import { map, type Observable } from 'rxjs';

import type { DistinctQuery } from './distinct';
import { VariableEditor } from './editors/VariableEditor';
import { clustersDefaults } from './kinds/clusters/query';
import type { Suggestions } from './kinds/kind';

type Source = DataSourceApi & Suggestions;

/** Dashboard variables: the distinct values of one dimension of the inventory, or the names of objectives or SLIs. */
export class FleetVariableSupport extends CustomVariableSupport<Source, DistinctQuery> {
  readonly editor = VariableEditor;

  constructor(private readonly distinct: (request: DataQueryRequest<DistinctQuery>) => Observable<MetricFindValue[]>) {
    super();
  }

  getDefaultQuery(): Partial<DistinctQuery> {
    return { ...clustersDefaults, distinct: 'cluster' };
  }

  query(request: DataQueryRequest<DistinctQuery>): Observable<DataQueryResponse> {
    return this.distinct(request).pipe(map((data) => ({ data })));
  }
}
