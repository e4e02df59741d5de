import type {
  DataSourceApi,
  DataSourceInstanceSettings,
  DataSourcePlugin,
  DataSourceRef,
  ScopedVars,
} from '@grafana/data';
import type { BackendSrv, BackendSrvRequest, DataSourceSrv, FetchResponse, TemplateSrv } from '@grafana/runtime';
import { defer, type Observable } from 'rxjs';
import { datasourceType } from '../../../src/ids.ts';

/** Grafana's HTTP client, without its alerts and its queue. */
export const backendSrv = {
  fetch: <T>(request: BackendSrvRequest): Observable<FetchResponse<T>> => defer(() => send<T>(request)),
} as BackendSrv;

async function send<T>(request: BackendSrvRequest): Promise<FetchResponse<T>> {
  const answer = await fetch(request.url, {
    method: request.method ?? 'GET',
    headers: { ...request.headers, ...(request.data ? { 'Content-Type': 'application/json' } : {}) },
    body: request.data ? JSON.stringify(request.data) : undefined,
  });
  const { status, statusText, ok, headers, redirected, type, url } = answer;
  const body = await answer.text();
  const data = parse(body) as T;
  if (!ok) {
    throw { status, statusText, data: data ?? { message: body }, config: request };
  }
  return { status, statusText, ok, headers, redirected, type, url, data, config: request };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** A dashboard with one variable, `$region`, unless a request brings others. */
export const templateSrv = {
  getVariables: () => [{ name: 'region', current: { value: 'gz' } }],
  replace: (text = '', scopedVars: ScopedVars = {}, format?: string | Function) =>
    text.replace(/\$(?:\{(\w+)\}|(\w+))/g, (match, inBraces?: string, bare?: string) => {
      const name = inBraces ?? bare ?? '';
      const value: unknown = scopedVars[name]?.value ?? { region: 'gz' }[name];
      if (value === undefined) {
        return match;
      }
      return typeof format === 'function' ? format(value, scopedVars[name] ? {} : { name }) : String(value);
    }),
  containsTemplate: (text = '') => text.includes('$'),
  updateTimeRange: () => undefined,
} as unknown as TemplateSrv;

export function dataSourceSrv(
  datasources: Array<{ uid: string; name: string }>,
  loadPlugin: () => Promise<unknown>
): DataSourceSrv {
  const settings = datasources.map(
    ({ uid, name }, index) =>
      ({
        id: index + 1,
        uid,
        name,
        type: datasourceType,
        jsonData: {},
        meta: { id: datasourceType },
      }) as DataSourceInstanceSettings
  );
  const find = (ref?: DataSourceRef | string | null) =>
    settings.find(({ uid }) => uid === (typeof ref === 'string' ? ref : ref?.uid));
  return {
    getList: () => settings,
    getInstanceSettings: find,
    get: async (ref) => {
      const found = find(ref);
      if (!found) {
        throw new Error(`There is no datasource ${JSON.stringify(ref)}.`);
      }
      const { DataSourceClass } = (await loadPlugin()) as DataSourcePlugin<DataSourceApi>;
      return new DataSourceClass(found);
    },
    reload: () => undefined,
    registerRuntimeDataSource: () => undefined,
  };
}
