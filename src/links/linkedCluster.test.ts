import { type DataFrame, dateTime, toDataFrame } from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';

import { type Variable, templatesWith } from '../datasource/templateTesting';
import { datasourceType, datasourceUid, thanosDatasourceUid } from '../ids';
import type { LinkContext } from './context';
import { linkedCluster } from './linkedCluster';

jest.mock('@grafana/runtime', () => ({ getTemplateSrv: jest.fn() }));

const withVariables = (...variables: Variable[]) =>
  jest.mocked(getTemplateSrv).mockReturnValue(templatesWith(...variables));

beforeEach(() => withVariables());

const strange = 'gz & etcd # 3 / "ü"';
const query = (fields: object, uid = 'fleet') => ({
  refId: 'A',
  datasource: { type: datasourceType, uid },
  ...fields,
});
const asking = (fields: object, rest: Partial<LinkContext> = {}): LinkContext => ({
  targets: [query(fields)],
  ...rest,
});
const found = { datasource: 'fleet', region: 'gz', cluster: 'gz-1' };

describe('a query', () => {
  it('is about the one cluster of its scope, whatever its name', () => {
    const scope = { region: ['gz'], cluster: [strange] };
    expect(linkedCluster(asking({ kind: 'diagnosis', scope }))).toEqual({ ...found, cluster: strange });
  });

  it('is about the cluster that the dashboard’s variables or a repeated panel’s own name', () => {
    withVariables({ name: 'r', value: 'gz' }, { name: 'c', value: 'gz-1' }, { name: 'ds', value: 'fleet' });
    const scope = { region: ['$r'], cluster: ['$c'] };
    expect(linkedCluster({ targets: [query({ scope }, '$ds')] })).toEqual(found);
    expect(linkedCluster(asking({ scope }, { scopedVars: { c: { value: 'gz-2' } } }))).toMatchObject({
      cluster: 'gz-2',
    });
  });

  it.each([
    ['no cluster', { region: ['gz'], cluster: [] }],
    ['a cluster of any region', { region: [], cluster: ['gz-1'] }],
    ['two clusters', { region: ['gz'], cluster: ['gz-1', 'gz-2'] }],
    ['a name in two regions', { region: ['gz', 'sh'], cluster: ['gz-1'] }],
    ['all clusters', { region: ['gz'], cluster: ['$all'] }],
    ['a variable that is not there', { region: ['gz'], cluster: ['$nothing'] }],
  ])('that names %s gets no link', (_, scope) => {
    withVariables({ name: 'all', value: ['gz-1', 'gz-2'], current: '$__all', multi: true });
    expect(linkedCluster(asking({ scope }))).toBeUndefined();
  });

  it('is about the one cluster of its answer, by labels or columns', () => {
    const labelled = (cluster: string) =>
      toDataFrame({ fields: [{ name: 'Value', labels: { region: 'gz', cluster }, values: [1] }] });
    const table = (...clusters: string[]) =>
      toDataFrame({
        fields: [
          { name: 'region', values: clusters.map(() => 'gz') },
          { name: 'cluster', values: clusters },
        ],
      });
    const promql = (...series: DataFrame[]) =>
      linkedCluster(asking({ kind: 'promql', expr: 'up' }, { data: { series } }));
    expect(promql(labelled('gz-1'), labelled('gz-1'))).toEqual(found);
    expect(promql(labelled('gz-1'), labelled('gz-2'))).toBeUndefined();
    expect(promql(table('gz-1', 'gz-1'))).toEqual(found);
    expect(promql(table('gz-1', 'gz-2'))).toBeUndefined();
    expect(promql(table())).toBeUndefined();
  });

  it('of sums is about the cluster of the variables that it selects by', () => {
    withVariables({ name: 'region', value: 'gz' }, { name: 'cluster', value: 'gz-1' });
    const sum = 'sum(up{region=~"$region",cluster=~"${cluster:regex}"})';
    expect(linkedCluster(asking({ kind: 'promql', expr: sum }))).toEqual(found);
    expect(linkedCluster(asking({ kind: 'promql', expr: 'sum(up{region=~"$region"})' }))).toBeUndefined();
    expect(linkedCluster(asking({ kind: 'promql', expr: 'sum(up{cluster_name="$region"})' }))).toBeUndefined();
    withVariables();
    expect(linkedCluster(asking({ kind: 'promql', expr: sum }))).toBeUndefined();
  });

  it('of another datasource is none of ours, but that on the same Thanos is', () => {
    const scope = { region: ['gz'], cluster: ['gz-1'] };
    const prometheus = (uid: string) => ({ refId: 'A', datasource: { type: 'prometheus', uid }, scope });
    expect(linkedCluster({ targets: [prometheus('somebody')] })).toBeUndefined();
    expect(linkedCluster({ targets: [prometheus(thanosDatasourceUid)] })).toEqual({
      ...found,
      datasource: datasourceUid,
    });
  });

  it('keeps its time, relative or absolute', () => {
    const scope = { region: ['gz'], cluster: ['gz-1'] };
    expect(linkedCluster(asking({ scope }, { timeRange: { from: 'now-3h', to: 'now' } }))).toEqual({
      ...found,
      from: 'now-3h',
      to: 'now',
    });
    const timeRange = { from: dateTime(1000), to: dateTime(2000) };
    expect(linkedCluster(asking({ scope }, { timeRange }))).toMatchObject({ from: '1000', to: '2000' });
  });
});

describe('an alert', () => {
  const labels = { region: 'gz', cluster: strange, spec: 'large' };

  it('is about the cluster of its labels, from an hour before it began', () => {
    const instance = { labels, activeAt: '2026-07-01T10:00:00Z' };
    expect(linkedCluster({ instance })).toEqual({
      datasource: datasourceUid,
      region: 'gz',
      cluster: strange,
      from: String(Date.parse('2026-07-01T09:00:00Z')),
      to: 'now',
    });
  });

  it('names the datasource by the link of its rule', () => {
    const annotations = { dashboard_url: 'https://grafana/d/x?var-datasource=a%26b&var-region=gz' };
    expect(linkedCluster({ instance: { labels, annotations } })).toEqual({
      datasource: 'a&b',
      region: 'gz',
      cluster: strange,
    });
  });

  it.each(['region', 'cluster', 'spec'])('without the label %s is not about an etcd cluster', (label) => {
    expect(linkedCluster({ instance: { labels: { ...labels, [label]: '' } } })).toBeUndefined();
  });
});

it('without a context nothing is named', () => {
  expect(linkedCluster(undefined)).toBeUndefined();
  expect(linkedCluster({})).toBeUndefined();
});
