import {
  CoreApp,
  createDataFrame,
  type DataQueryRequest,
  type DataQueryResponse,
  type DataSourceInstanceSettings,
} from '@grafana/data';
import { DataSourceWithBackend, type TemplateSrv } from '@grafana/runtime';
import { lastValueFrom, of } from 'rxjs';

import { datasourceType } from '../ids';
import { FleetDatasource } from './datasource';
import type { FleetQuery } from './kinds';
import type { ClustersQuery } from './kinds/clusters/query';
import { maxLimit } from './page';
import type { FleetOptions } from './settings';

const settings = { id: 1, uid: 'fleet', type: datasourceType, jsonData: {}, meta: {} };
const templates = { getVariables: () => [], replace: (text: string) => text } as unknown as TemplateSrv;

/** A datasource whose backend has this many clusters. */
function datasourceWith(clusters: number) {
  const datasource = new FleetDatasource(settings as unknown as DataSourceInstanceSettings<FleetOptions>, templates);
  const query = jest.spyOn(datasource, 'query').mockImplementation((request: DataQueryRequest<FleetQuery>) => {
    const { limit, offset } = request.targets[0] as ClustersQuery;
    const names = Array.from({ length: clusters }, (_, index) => `c${index}`).slice(offset, offset + limit);
    return of<DataQueryResponse>({ data: [createDataFrame({ fields: [{ name: 'cluster', values: names }] })] });
  });
  return { datasource, query };
}

describe('the values of a dimension', () => {
  it.each([
    [0, 1],
    [3, 1],
    [maxLimit, 2],
    [2 * maxLimit + 1, 3],
  ])('are read in pages: all %d of them in %d', async (clusters, requests) => {
    const { datasource, query } = datasourceWith(clusters);
    expect(await datasource.scopeValues('cluster', {})).toHaveLength(clusters);
    expect(query).toHaveBeenCalledTimes(requests);
  });

  it('fail with what the backend said', async () => {
    const { datasource, query } = datasourceWith(0);
    query.mockReturnValue(of({ data: [], errors: [{ message: 'region gz was never reached' }] }));
    await expect(datasource.scopeValues('cluster', {})).rejects.toThrow('region gz was never reached');
  });
});

it('answers a table without rows without columns, with its notices', async () => {
  const frame = createDataFrame({ name: 'clusters', fields: [{ name: 'region', values: [] }], meta: { notices: [] } });
  const graph = createDataFrame({
    fields: [{ name: 'id', values: [] }],
    meta: { preferredVisualisationType: 'nodeGraph' },
  });
  jest.spyOn(DataSourceWithBackend.prototype, 'query').mockReturnValue(of({ data: [frame, graph] }));
  const datasource = new FleetDatasource(settings as unknown as DataSourceInstanceSettings<FleetOptions>, templates);
  const request = { targets: [] } as unknown as DataQueryRequest<FleetQuery>;
  const { data } = await lastValueFrom(datasource.query(request));
  expect(data).toMatchObject([{ name: 'clusters', fields: [], length: 0, meta: { notices: [] } }, graph]);
});

it('reads the names of objectives from what is recorded for a scope', async () => {
  const { datasource, query } = datasourceWith(2);
  expect(await datasource.objectives({ region: ['gz'] })).toHaveLength(2);
  const [request] = query.mock.calls[0];
  expect(request.targets).toEqual([
    expect.objectContaining({ kind: 'slo', distinct: 'objective', level: 'region', scope: { region: ['gz'] } }),
  ]);
});

it.each([
  ['an expression', { kind: 'promql', expr: 'up' }, true],
  ['no expression yet', { kind: 'promql', expr: ' ' }, false],
  ['no kind yet', {}, false],
  ['a wrong limit, so that the backend can say so', { kind: 'clusters', limit: 0 }, true],
  ['null for the expression', { kind: 'promql', expr: null }, false],
  ['a number for the expression', { kind: 'promql', expr: 5 }, true],
])('filterQuery with %s', (_, query, expected) => {
  expect(datasourceWith(0).datasource.filterQuery({ refId: 'A', ...query } as FleetQuery)).toBe(expected);
});

it('begins an annotation with the Events', () => {
  const { annotations } = datasourceWith(0).datasource;
  expect(annotations.getDefaultQuery?.()).toMatchObject({ kind: 'events', format: 'annotations' });
});

it('begins with an expression in Explore and with the clusters elsewhere', () => {
  const { datasource } = datasourceWith(0);
  expect(datasource.getDefaultQuery(CoreApp.Explore).kind).toBe('promql');
  expect(datasource.getDefaultQuery(CoreApp.Dashboard).kind).toBe('clusters');
});
