// The ways between the dashboards: every table row and series leads to what it is about.
import { DashboardLinkBuilder, DashboardLinkType } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboardUids } from '../../src/ids.ts';

const keepContext = '${datasource:queryparam}&${__url_time_range}';

interface DataLink {
  title: string;
  url: string;
}

/** Names may hold `&`, `#` and `/`, so that a value is encoded wherever it stands in an address. */
const field = (name: string) => `\${__data.fields.${name}:percentencode}`;
const label = (name: string) => `\${__field.labels.${name}:percentencode}`;

/** The address of a dashboard with values of its variables, the datasource and the time range kept. */
function address(uid: string, variables: Record<string, string> = {}): string {
  const values = Object.entries(variables).map(([name, value]) => `var-${name}=${value}&`);
  return `/d/${uid}?${values.join('')}${keepContext}`;
}

/** The same for rows that have no region: it is the one that the dashboard shows. */
const addressInRegion = (uid: string, variable: string, value: string) =>
  `/d/${uid}?\${region:queryparam}&var-${variable}=${value}&${keepContext}`;

/** For a table whose rows have the columns region and cluster. */
export const rowToCluster: DataLink = {
  title: 'Open ${__data.fields.cluster}',
  url: address(dashboardUids.cluster, { region: field('region'), cluster: field('cluster') }),
};

/** For a table of findings: the datasource has the hosts as variables, encoded, because a finding names several. */
export const findingToHosts: DataLink = {
  title: 'What is on ${__data.fields.host}, and what of it is hurt',
  url: `/d/${dashboardUids.hosts}?var-region=${field('region')}&\${__data.fields.hostVariables:raw}&${keepContext}`,
};

/** For a table of evidence: the series in Explore, over the dashboard's time range. */
export const evidenceToExplore: DataLink = {
  title: 'Show the series in Explore',
  url: `/explore?schemaVersion=1&panes=${explorePane('${__data.fields.exploreQueries:raw}')}`,
};

/** One pane of Explore's address; the queries are encoded already. */
function explorePane(queries: string): string {
  const [before, after] = JSON.stringify({
    a: { datasource: 'DATASOURCE', queries: 'QUERIES', range: { from: 'FROM', to: 'TO' } },
  }).split('"QUERIES"');
  const variables = { DATASOURCE: '${datasource}', FROM: '${__from}', TO: '${__to}' };
  const filledIn = (text: string) =>
    Object.entries(variables).reduce((all, [name, value]) => all.replace(name, value), encodeURIComponent(text));
  return filledIn(before) + queries + filledIn(after);
}

/** For a table whose rows have the columns region and host. */
export const rowToHost: DataLink = {
  title: 'What is on ${__data.fields.host}, and what of it is hurt',
  url: address(dashboardUids.hosts, { region: field('region'), host: field('host') }),
};

/** For a table of one region, whose rows have the columns host and zone. */
export const memberToHost: DataLink = {
  title: rowToHost.title,
  url: addressInRegion(dashboardUids.hosts, 'host', field('host')),
};
export const memberToZone: DataLink = {
  title: 'What is in ${__data.fields.zone}, and what of it is hurt',
  url: addressInRegion(dashboardUids.hosts, 'zone', field('zone')),
};

/** For a table whose rows have the columns region and zone. */
export const rowToZone: DataLink = {
  title: 'Only the zone ${__data.fields.zone}',
  url: address(dashboardUids.hosts, { region: field('region'), zone: field('zone') }),
};

/** For a table of one region, whose rows have the column kubernetes_cluster. */
export const rowToKubernetes: DataLink = {
  title: 'Is it etcd? ${__data.fields.kubernetes_cluster}',
  url: addressInRegion(dashboardUids.fromKubernetes, 'kubernetes', field('kubernetes_cluster')),
};

/** For a table whose rows have the columns region and product, on a dashboard with the variable scene, which is kept. */
export const rowToBusiness: DataLink = {
  title: 'Has ${__data.fields.product} enough etcd in ${__data.fields.region}?',
  url: `/d/${dashboardUids.business}?var-region=${field('region')}&var-product=${field('product')}&\${scene:queryparam}&${keepContext}`,
};

/** For a table whose rows have the columns product and scene: that scene in all regions. */
export const rowToScene: DataLink = {
  title: 'Scene ${__data.fields.scene} in all regions',
  url: address(dashboardUids.scene, { product: field('product'), scene: field('scene') }),
};

/** For a series with the labels region and cluster. */
export const seriesToCluster: DataLink = {
  title: 'Open ${__field.labels.cluster}',
  url: address(dashboardUids.cluster, { region: label('region'), cluster: label('cluster') }),
};

/** For a series with the labels region and host. */
export const seriesToHost: DataLink = {
  title: 'What is on ${__field.labels.host}, and what of it is hurt',
  url: address(dashboardUids.hosts, { region: label('region'), host: label('host') }),
};

/** For a table or series of a region: the same dashboard, narrowed to it. */
export const seriesToRegion: DataLink = {
  title: 'Only ${__field.labels.region}',
  url: address(dashboardUids.overview, { region: label('region') }),
};

export const toOverview = () =>
  dashboardLink('All regions', 'Back to the overview of all regions', 'arrow-left', address(dashboardUids.overview));

/** The scenes of tier 2, from dashboards with the variables region, product and scene, which are kept. */
export const toBusiness = () =>
  dashboardLink(
    'Business',
    'Is each business available, and has it enough etcd?',
    'arrow-right',
    `/d/${dashboardUids.business}?\${region:queryparam}&\${product:queryparam}&\${scene:queryparam}&${keepContext}`
  );

/** The scene is not kept: the dashboard begins with that of the big customers. */
export const toCustomers = () =>
  dashboardLink(
    'Big customers',
    'How large is each cluster, and how long does its quota last?',
    'arrow-right',
    `/d/${dashboardUids.customers}?\${region:queryparam}&\${product:queryparam}&${keepContext}`
  );

export const toPlatform = () =>
  dashboardLink(
    'Platform',
    'What is due: upgrades, certificates, backups, inspections?',
    'arrow-right',
    `/d/${dashboardUids.platform}?\${region:queryparam}&\${product:queryparam}&\${scene:queryparam}&${keepContext}`
  );

/** From the dashboard of a cluster, its region and name kept. */
export const toKubernetes = () =>
  dashboardLink(
    'Kubernetes on it',
    'Which API servers, resources and verbs suffer',
    'arrow-right',
    `/d/${dashboardUids.toKubernetes}?\${region:queryparam}&\${cluster:queryparam}&${keepContext}`
  );

/** The hosts of the region that the dashboard shows. */
export const toHosts = () =>
  dashboardLink(
    'Hosts',
    'Which hosts and zones hurt clusters',
    'arrow-right',
    `/d/${dashboardUids.hosts}?\${region:queryparam}&${keepContext}`
  );

export const toMonitoring = () =>
  dashboardLink('Monitoring', 'What the figures can be trusted for', 'arrow-right', address(dashboardUids.monitoring));

function dashboardLink(title: string, tooltip: string, icon: string, url: string) {
  return new DashboardLinkBuilder(title).type(DashboardLinkType.Link).icon(icon).tooltip(tooltip).url(url);
}
