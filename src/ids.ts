/**
 * The ids under which Grafana knows this app, its parts and its dashboards. The files that must hold them as literals
 * (plugin.json, provisioning) are compared in ids.test.ts.
 */
export const appId = 'etcdfleet-slo-app';
export const datasourceType = 'etcdfleet-slo-datasource';
export const inspectionsPanelType = 'etcdfleet-inspections-panel';

/** The datasource that provisioning/datasources adds. */
export const datasourceUid = 'etcdfleet';

/** The Prometheus datasource on the same Thanos, from which Grafana's alerting pages list the rules. */
export const thanosDatasourceUid = 'etcdfleet-thanos';

/** The dashboards of the tiers, of which the second has several, and those for troubleshooting. */
export const dashboardUids = {
  overview: 'etcdfleet-tier1',
  business: 'etcdfleet-tier2-business',
  customers: 'etcdfleet-tier2-customers',
  platform: 'etcdfleet-tier2-platform',
  scene: 'etcdfleet-tier2',
  cluster: 'etcdfleet-tier3',
  toKubernetes: 'etcdfleet-to-kubernetes',
  fromKubernetes: 'etcdfleet-from-kubernetes',
  hosts: 'etcdfleet-hosts',
  monitoring: 'etcdfleet-monitoring',
  customer: 'etcdfleet-customer',
} as const;
