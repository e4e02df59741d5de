import { appId, dashboardUids } from '../ids';
import type { LinkedCluster } from './linkedCluster';

/** The app's page of a cluster; without Grafana's own path, as extension links want it. */
export const clusterPagePath = ({ datasource, region, cluster, from, to }: LinkedCluster) =>
  withQuery(`/a/${appId}/cluster`, { datasource, region, cluster, from, to });

export const clusterDashboardPath = (of: LinkedCluster) => dashboardPath(dashboardUids.cluster, of);

/** The dashboard of who suffers from a cluster: the Kubernetes clusters on it. */
export const troubleshootingPath = (of: LinkedCluster) => dashboardPath(dashboardUids.toKubernetes, of);

/** The panel with the buttons, alone: `panel-<id>` of the dashboard of a cluster. */
export const inspectionsPanelKey = 'panel-1431868133';

export const inspectionsPath = (of: LinkedCluster) => `${clusterDashboardPath(of)}&viewPanel=${inspectionsPanelKey}`;

function dashboardPath(uid: string, { datasource, region, cluster, from, to }: LinkedCluster): string {
  return withQuery(`/d/${uid}`, {
    'var-datasource': datasource,
    'var-region': region,
    'var-cluster': cluster,
    from,
    to,
  });
}

function withQuery(path: string, parameters: Record<string, string | undefined>): string {
  const given = Object.entries(parameters).filter(([, value]) => value !== undefined);
  return `${path}?${given.map(([name, value]) => `${name}=${encodeURIComponent(value!)}`).join('&')}`;
}
