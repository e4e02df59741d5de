import type { DataQueryResponse } from '@grafana/data';
import { type BackendDataSourceResponse, getBackendSrv, toDataQueryResponse } from '@grafana/runtime';
import { map, type Observable } from 'rxjs';

import type { FleetQuery } from '../datasource/kinds';
import { datasourceType } from '../ids';

/** Asks a datasource about this moment, without Grafana's own messages. Fails when Grafana does not answer with a result. */
export function queryNow(datasourceUid: string, queries: FleetQuery[]): Observable<DataQueryResponse> {
  const datasource = { type: datasourceType, uid: datasourceUid };
  const now = Date.now().toString();
  return getBackendSrv()
    .fetch<BackendDataSourceResponse>({
      url: `/api/ds/query?ds_type=${datasourceType}`,
      method: 'POST',
      data: { queries: queries.map((query) => ({ ...query, datasource })), from: now, to: now },
      showErrorAlert: false,
      hideFromInspector: true,
    })
    .pipe(map((response) => toDataQueryResponse(response)));
}
