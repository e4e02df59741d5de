/** The ids under which Grafana knows this app and its parts: as in their plugin.json. */
export const appId = 'etcdfleet-slo-app';
export const datasourceType = 'etcdfleet-slo-datasource';
