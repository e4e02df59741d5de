// Which cluster a panel, a query or an alert is about. No PromQL is parsed, because a parser would enter the entry bundle.
import type { DataFrame } from '@grafana/data';
import { getTemplateSrv } from '@grafana/runtime';
import type { DataQuery } from '@grafana/schema';

import { expandList, type Variables } from '../datasource/interpolation';
import { datasourceType, datasourceUid, thanosDatasourceUid } from '../ids';
import type { AlertInstance, LinkContext } from './context';

/** A cluster with the datasource that knows it, and the time to show, in the form of Grafana's addresses. */
export interface LinkedCluster extends Named {
  datasource: string;
  from?: string;
  to?: string;
}

interface Named {
  region: string;
  cluster: string;
}

/** Undefined unless exactly one cluster of exactly one region is named. */
export function linkedCluster(context: LinkContext | undefined): LinkedCluster | undefined {
  if (context?.instance) {
    return ofAlert(context.instance);
  }
  return context?.targets && ofQueries(context.targets, context);
}

const hour = 3_600_000;

/** Alerts about an etcd cluster have its class too, which other alerts with a region and a cluster lack. */
function ofAlert({ labels, annotations, activeAt }: AlertInstance): LinkedCluster | undefined {
  const { region, cluster, spec } = labels;
  if (!region || !cluster || !spec) {
    return undefined;
  }
  const began = Date.parse(activeAt ?? '');
  return {
    datasource: datasourceOf(annotations?.dashboard_url) ?? datasourceUid,
    region,
    cluster,
    ...(Number.isNaN(began) ? {} : { from: String(began - hour), to: 'now' }),
  };
}

/** The datasource of the dashboard that the alert's rule links to. */
function datasourceOf(address = ''): string | null {
  return new URLSearchParams(address.split('?')[1]).get('var-datasource');
}

function ofQueries(targets: DataQuery[], context: LinkContext): LinkedCluster | undefined {
  const variables = { templates: getTemplateSrv(), scopedVars: context.scopedVars ?? {} };
  const ours = targets.filter(isOurs);
  const first = ours.find(({ datasource }) => datasource?.type === datasourceType);
  const found = [
    ours.flatMap((query) => inScope(query, variables)),
    ours.length > 0 ? (context.data?.series ?? []).flatMap(inFrame) : [],
    ours.some(readsVariables) ? pairs(['$region'], ['$cluster'], variables) : [],
  ];
  const named = theOnly(found.find(({ length }) => length > 0) ?? []);
  return (
    named && {
      datasource: (first && expandList([first.datasource?.uid ?? ''], variables)[0]) || datasourceUid,
      ...named,
      ...(context.timeRange && { from: timeOf(context.timeRange.from), to: timeOf(context.timeRange.to) }),
    }
  );
}

const isOurs = ({ datasource }: DataQuery) =>
  datasource?.type === datasourceType || datasource?.uid === thanosDatasourceUid;

function inScope(query: DataQuery, variables: Variables): Named[] {
  const { scope } = query as { scope?: { region?: string[]; cluster?: string[] } };
  return pairs(scope?.region ?? [], scope?.cluster ?? [], variables);
}

/** All combinations, as far as both are named. Explore has no variables and leaves `$cluster` as it is. */
function pairs(regions: string[], clusters: string[], variables: Variables): Named[] {
  const valuesOf = (entries: string[]) => expandList(entries, variables).filter((value) => !value.includes('$'));
  const names = valuesOf(clusters);
  return valuesOf(regions).flatMap((region) => names.map((cluster) => ({ region, cluster })));
}

/** The clusters of an answer: by the labels of series, or by the columns of a table. */
function inFrame({ fields }: DataFrame): Named[] {
  const column = (wanted: string) => fields.find(({ name }) => name === wanted)?.values;
  const [regions, clusters] = [column('region'), column('cluster')];
  return [
    ...fields.map(({ labels }) => ({ region: labels?.region ?? '', cluster: labels?.cluster ?? '' })),
    ...(regions && clusters ? regions.map((region, row) => ({ region, cluster: clusters[row] })) : []),
  ].filter(({ region, cluster }) => region && cluster);
}

/** Whether a PromQL expression selects by the variables of our dashboards. */
function readsVariables(query: DataQuery): boolean {
  const { expr } = query as { expr?: unknown };
  return ['region', 'cluster'].every((name) => new RegExp(`\\$(${name}\\b|\\{${name}[:}])`).test(String(expr)));
}

function theOnly(named: Named[]): Named | undefined {
  const [first, ...others] = named;
  const same = ({ region, cluster }: Named) => region === first.region && cluster === first.cluster;
  return others.every(same) ? first : undefined;
}

/** A relative time stays so. */
const timeOf = (time: unknown) => String(typeof time === 'string' ? time : Number(time));
