import { CustomVariableSupport, type DataQueryRequest, type DataQueryResponse } from '@grafana/data';
import { map, type Observable } from 'rxjs';

import type { FleetDatasource } from './datasource';
import { VariableEditor } from './editors/VariableEditor';
import { defaults } from './normalize';
import type { ClustersQuery } from './queries';

/** Dashboard variables: the distinct values of one dimension of the inventory. */
export class FleetVariableSupport extends CustomVariableSupport<FleetDatasource, ClustersQuery> {
  readonly editor = VariableEditor;

  constructor(private readonly datasource: FleetDatasource) {
    super();
  }

  getDefaultQuery(): Partial<ClustersQuery> {
    return { ...defaults.clusters, distinct: 'cluster' };
  }

  query(request: DataQueryRequest<ClustersQuery>): Observable<DataQueryResponse> {
    return this.datasource.distinct(request).pipe(map((data) => ({ data })));
  }
}
