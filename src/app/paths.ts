import { locationUtil } from '@grafana/data';

import { appId, dashboardUids, datasourceType } from '../ids';
import { clusterRoute, queryOf } from '../links/addresses';
import { pageRange } from './panels/variables';

/** Addresses inside Grafana, with the path that it may be served under. */
const address = (path: string) => locationUtil.assureBaseUrl(path);

/** Without that path, as the router wants it. */
export const fleetRoute = `/a/${appId}/fleet`;

export const fleetAddress = () => address(fleetRoute);

export const workbenchAddress = () => address(`/a/${appId}/workbench`);

/** Where an admin adds a datasource of this app. */
export const addDatasourceAddress = () => address(`/connections/datasources/${datasourceType}`);

export const editDatasourceAddress = (uid: string) => address(`/connections/datasources/edit/${uid}`);

/** A cluster of the page, or less than that: the page asks for the rest. */
export interface ClusterName {
  region?: string;
  cluster?: string;
}

/** All that the Cluster page shows is in its query: Grafana checks the rights of a page by its exact path. */
export function clusterQuery(datasource: string, { region, cluster }: ClusterName = {}): string {
  return queryOf({ datasource, region: region || undefined, cluster: cluster || undefined });
}

export const clusterAddress = (datasource: string, of?: ClusterName) =>
  address(`${clusterRoute}?${clusterQuery(datasource, of)}`);

/** The dashboards of the app's includes, for one datasource. */
export const regionsDashboardAddress = (datasource: string) => dashboardAddress(dashboardUids.overview, datasource);

/** Tier 1 narrowed to the region in a column of a table, for a link of a panel. */
export const regionDashboardLink = (column: string) =>
  `/d/${dashboardUids.overview}?var-region=\${__data.fields.${column}:percentencode}&\${datasource:queryparam}&\${__url_time_range}`;

export const clusterDashboardAddress = (datasource: string, of: ClusterName) =>
  dashboardAddress(dashboardUids.cluster, datasource, named(of));

/** Which Kubernetes clusters suffer from a cluster. */
export const toKubernetesAddress = (datasource: string, of: ClusterName) =>
  dashboardAddress(dashboardUids.toKubernetes, datasource, named(of));

/** Whether a Kubernetes cluster suffers from its etcd. */
export const fromKubernetesAddress = (datasource: string, region: string, kubernetes: string) =>
  dashboardAddress(dashboardUids.fromKubernetes, datasource, { region, kubernetes });

/** What is on hosts, and what of it is hurt; `hostVariables` are those of a finding, and without them it is every host. */
export const hostsAddress = (datasource: string, region: string, hostVariables = '') =>
  dashboardAddress(dashboardUids.hosts, datasource, { region }) + (hostVariables && `&${hostVariables}`);

/** A PromQL expression over the last hour, in Explore. */
export function exploreAddress(datasource: string, expr: string): string {
  const query = { refId: 'A', kind: 'promql', mode: 'range', expr };
  const panes = { a: { datasource, queries: [query], range: pageRange } };
  return address(`/explore?schemaVersion=1&panes=${encodeURIComponent(JSON.stringify(panes))}`);
}

/** The time of a page's address, to add to that of a dashboard; empty without one. */
export function timeOf(search: string): string {
  const asked = new URLSearchParams(search);
  const query = queryOf({ from: asked.get('from') || undefined, to: asked.get('to') || undefined });
  return query && `&${query}`;
}

const named = ({ region = '', cluster = '' }: ClusterName) => ({ region, cluster });

function dashboardAddress(uid: string, datasource: string, variables: Record<string, string> = {}): string {
  const given = Object.entries({ datasource, ...variables }).map(([name, value]) => [`var-${name}`, value]);
  return address(`/d/${uid}?${queryOf(Object.fromEntries(given) as Record<string, string>)}`);
}
