import { locationUtil } from '@grafana/data';

import { appId, dashboardUids, datasourceType } from '../ids';

/** Addresses inside Grafana, with the path that it may be served under. */
const address = (path: string) => locationUtil.assureBaseUrl(path);

/** Without that path, as the router wants it. */
export const fleetRoute = `/a/${appId}/fleet`;

export const fleetAddress = () => address(fleetRoute);

export const workbenchAddress = () => address(`/a/${appId}/workbench`);

/** Where an admin adds a datasource of this app. */
export const addDatasourceAddress = () => address(`/connections/datasources/${datasourceType}`);

export const editDatasourceAddress = (uid: string) => address(`/connections/datasources/edit/${uid}`);

/** The dashboards of the app's includes, for one datasource. */
export const regionsDashboardAddress = (datasource: string) => dashboardAddress(dashboardUids.overview, datasource);

export const clusterDashboardAddress = (datasource: string, of?: { region: string; cluster: string }) =>
  dashboardAddress(dashboardUids.cluster, datasource, of && { region: of.region, cluster: of.cluster });

function dashboardAddress(uid: string, datasource: string, variables: Record<string, string> = {}): string {
  const query = Object.entries({ datasource, ...variables }).map(
    ([name, value]) => `var-${name}=${encodeURIComponent(value)}`
  );
  return address(`/d/${uid}?${query.join('&')}`);
}
