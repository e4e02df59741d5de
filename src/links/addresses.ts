import { appId, dashboardUids } from '../ids';
import type { LinkedCluster } from './linkedCluster';

/** The app's page of a cluster; without the path that Grafana may be served under, as links and the router want it. */
export const clusterRoute = `/a/${appId}/cluster`;

export const clusterPagePath = ({ datasource, region, cluster, from, to }: LinkedCluster) =>
  `${clusterRoute}?${queryOf({ datasource, region, cluster, from, to })}`;

export const clusterDashboardPath = (of: LinkedCluster) => dashboardPath(dashboardUids.cluster, of);

/** The dashboard of who suffers from a cluster: the Kubernetes clusters on it. */
export const troubleshootingPath = (of: LinkedCluster) => dashboardPath(dashboardUids.toKubernetes, of);

/** The panel with the buttons, alone: `panel-<id>` of the dashboard of a cluster. */
export const inspectionsPanelKey = 'panel-1431868133';

export const inspectionsPath = (of: LinkedCluster) => `${clusterDashboardPath(of)}&viewPanel=${inspectionsPanelKey}`;

function dashboardPath(uid: string, { datasource, region, cluster, from, to }: LinkedCluster): string {
  const query = { 'var-datasource': datasource, 'var-region': region, 'var-cluster': cluster, from, to };
  return `/d/${uid}?${queryOf(query)}`;
}

/** The query of an address, of the values that are given. */
export function queryOf(parameters: Record<string, string | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return given.map(([name, value]) => `${name}=${encodeURIComponent(value!)}`).join('&');
}
