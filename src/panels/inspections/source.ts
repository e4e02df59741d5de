import type { DataFrame, DataQueryRequest } from '@grafana/data';
import { getDataSourceSrv } from '@grafana/runtime';

import { datasourceType } from '../../ids';

/** The uid of the datasource that answered with a frame; undefined when it is not one of ours. */
export function datasourceUidOf(frame: DataFrame, request: DataQueryRequest | undefined): string | undefined {
  const targets = request?.targets ?? [];
  const target = targets.find(({ refId }) => refId === frame.refId) ?? (targets.length === 1 ? targets[0] : undefined);
  // The reference may hold a dashboard variable, which the service fills in.
  const settings = target?.datasource && getDataSourceSrv().getInstanceSettings(target.datasource, request?.scopedVars);
  return settings && settings.type === datasourceType ? settings.uid : undefined;
}
