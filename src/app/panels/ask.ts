import {
  CoreApp,
  type DataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  dateTime,
  LoadingState,
  type PanelData,
  toDataFrame,
  transformDataFrame,
} from '@grafana/data';
import { getDataSourceSrv } from '@grafana/runtime';
import { catchError, from, map, type Observable, of, switchMap } from 'rxjs';

import type { FleetQuery } from '../../datasource/kinds';
import { datasourceType } from '../../ids';
import type { PanelModel } from './model';
import { pageRange, type PageVariables, scopedVarsOf } from './variables';

/** What the queries of a panel return. */
export interface Answer {
  /** As the panel draws it. */
  data: PanelData;
  /** The same before the panel's transformations, which take columns away. */
  frames: DataFrame[];
  /** What is missing from the answer, in sentences. */
  notices: string[];
  /** Why there is no answer. */
  error?: string;
}

/** Runs the queries of a panel, as of now. Never fails: the result holds the error. */
export function ask(model: PanelModel, variables: PageVariables): Observable<Answer> {
  const request = requestOf(model, variables);
  return from(getDataSourceSrv().get(variables.datasource)).pipe(
    switchMap((datasource) => from(datasource.query(request) as Observable<DataQueryResponse>)),
    switchMap((response) => {
      const frames = response.data.map((frame) => toDataFrame(frame));
      return transformDataFrame(model.transformations ?? [], frames).pipe(
        map((series) => answerOf(request, frames, series, errorOf(response)))
      );
    }),
    catchError((error: unknown) => of(answerOf(request, [], [], error instanceof Error ? error.message : unanswered)))
  );
}

const unanswered = 'The datasource did not answer: see Grafana’s log for its plugin.';

// A request that fails as a whole sets only the deprecated `error`.
// eslint-disable-next-line @typescript-eslint/no-deprecated
function errorOf({ errors, error }: DataQueryResponse): string | undefined {
  const problem = errors?.[0] ?? error;
  return problem && (problem.message ?? problem.data?.message ?? unanswered);
}

function answerOf(request: DataQueryRequest, frames: DataFrame[], series: DataFrame[], error?: string): Answer {
  const state = error === undefined ? LoadingState.Done : LoadingState.Error;
  const errors = error === undefined ? undefined : [{ message: error }];
  return {
    data: { series, state, errors, timeRange: request.range, request },
    frames,
    notices: [...new Set(frames.flatMap(({ meta }) => (meta?.notices ?? []).map(({ text }) => text)))],
    error,
  };
}

let requests = 0;

function requestOf(model: PanelModel, variables: PageVariables): DataQueryRequest<FleetQuery> {
  const to = dateTime();
  return {
    app: CoreApp.Unknown,
    requestId: `etcd-fleet-page-${++requests}`,
    interval: '15s',
    intervalMs: 15_000,
    maxDataPoints: 500,
    range: { from: dateTime(to).subtract(1, 'hour'), to, raw: pageRange },
    scopedVars: scopedVarsOf(variables),
    targets: model.targets.map((target) => ({
      ...target,
      datasource: { type: datasourceType, uid: variables.datasource },
    })),
    timezone: 'browser',
    startTime: to.valueOf(),
  };
}
