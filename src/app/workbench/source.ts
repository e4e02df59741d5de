import { CoreApp, type DataFrame, type DataQueryRequest, dateTime, FieldType, toDataFrame } from '@grafana/data';
import { lastValueFrom } from 'rxjs';

import type { RangeSource, Series } from '../../../slo/calibrate/range.ts';
import type { FleetDatasource } from '../../datasource/datasource';
import type { PromqlQuery } from '../../datasource/kinds/promql/query';

/** Range queries through the datasource, which asks Thanos. */
export function rangeSource(datasource: FleetDatasource): RangeSource {
  return {
    async range(expr, [start, end], step) {
      const [from, to] = [dateTime(start * 1000), dateTime(end * 1000)];
      const target: PromqlQuery = { refId: 'A', kind: 'promql', expr, mode: 'range', legend: '', minStep: `${step}s` };
      const request: DataQueryRequest<PromqlQuery> = {
        app: CoreApp.Unknown,
        requestId: `workbench-${++requests}`,
        interval: `${step}s`,
        intervalMs: step * 1000,
        // Else the backend takes a hundred points for enough, and its steps would be longer than those of the events.
        maxDataPoints: Math.floor((end - start) / step) + 1,
        range: { from, to, raw: { from, to } },
        scopedVars: {},
        targets: [target],
        timezone: 'utc',
        startTime: Date.now(),
      };
      const { data, errors } = await lastValueFrom(datasource.query(request));
      if (errors?.length) {
        throw new Error(errors[0].message ?? 'The query failed: see the datasource’s Save & test.');
      }
      return data.map((frame) => toDataFrame(frame)).flatMap(seriesOf);
    },
  };
}

let requests = 0;

/** A frame of a range query is one series; the one that only carries notices has no fields. */
function seriesOf({ fields }: DataFrame): Series[] {
  const time = fields.find(({ type }) => type === FieldType.time);
  const value = fields.find(({ type }) => type === FieldType.number);
  if (!time || !value) {
    return [];
  }
  const samples = [...time.values].map((at, index): [number, number] => [
    Number(at) / 1000,
    Number(value.values[index] ?? NaN),
  ]);
  return [{ labels: value.labels ?? {}, samples }];
}
