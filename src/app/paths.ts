import { locationUtil } from '@grafana/data';

import { appId, datasourceType } from '../pluginIds';

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
export const regionsDashboardAddress = (datasourceUid: string) =>
  address(`/d/etcdfleet-tier1?var-datasource=${encodeURIComponent(datasourceUid)}`);

export const clusterDashboardAddress = (datasourceUid: string) =>
  address(`/d/etcdfleet-tier3?var-datasource=${encodeURIComponent(datasourceUid)}`);
