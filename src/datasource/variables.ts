import { CustomVariableSupport, type DataQueryRequest, type DataQueryResponse } from '@grafana/data';
import { map, type Observable } from 'rxjs';

import type { FleetDatasource } from './datasource';
import { VariableEditor } from './editors/VariableEditor';
import { defaults } from './normalize';
import type { DistinctQuery } from './queries';

/** Dashboard variables: the distinct values of one dimension of the inventory, or the names of objectives or SLIs. */
export class FleetVariableSupport extends CustomVariableSupport<FleetDatasource, DistinctQuery> {
  readonly editor = VariableEditor;

  constructor(private readonly datasource: FleetDatasource) {
    super();
  }

  getDefaultQuery(): Partial<DistinctQuery> {
    return { ...defaults.clusters, distinct: 'cluster' };
  }

  query(request: DataQueryRequest<DistinctQuery>): Observable<DataQueryResponse> {
    return this.datasource.distinct(request).pipe(map((data) => ({ data })));
  }
}
