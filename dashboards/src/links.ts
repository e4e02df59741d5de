// The way between the tiers: every table row and series of a cluster leads to that cluster's dashboard.
import { DashboardLinkBuilder, DashboardLinkType } from '@grafana/grafana-foundation-sdk/dashboard';
import { dashboardUids } from '../../src/ids.ts';

const keepContext = '${datasource:queryparam}&${__url_time_range}';

interface DataLink {
  title: string;
  url: string;
}

/** For a table whose rows have the columns region and cluster. */
export const rowToCluster: DataLink = clusterLink('${__data.fields.region}', '${__data.fields.cluster}');

/** From a host of the cluster that the variables choose: the clusters of the region that are hurt, each with its host. */
export const hostToRegion: DataLink = {
  title: 'Clusters of the region that are hurt',
  url: `/d/${dashboardUids.overview}?\${region:queryparam}&${keepContext}`,
};

/** For a table whose rows have the columns product and scene: that scene in all regions. */
export const rowToScene: DataLink = {
  title: 'Scene ${__data.fields.scene} in all regions',
  url: `/d/${dashboardUids.scene}?var-product=\${__data.fields.product}&var-scene=\${__data.fields.scene}&${keepContext}`,
};

/** For a series with the labels region and cluster. */
export const seriesToCluster: DataLink = clusterLink('${__field.labels.region}', '${__field.labels.cluster}');

/** For a table or series of a region: the same dashboard, narrowed to it. */
export const seriesToRegion: DataLink = {
  title: 'Only ${__field.labels.region}',
  url: `/d/${dashboardUids.overview}?var-region=\${__field.labels.region}&${keepContext}`,
};

export function toOverview() {
  return new DashboardLinkBuilder('All regions')
    .type(DashboardLinkType.Link)
    .icon('arrow-left')
    .tooltip('Back to the overview of all regions')
    .url(`/d/${dashboardUids.overview}?${keepContext}`);
}

function clusterLink(region: string, cluster: string): DataLink {
  return {
    title: `Open ${cluster}`,
    url: `/d/${dashboardUids.cluster}?var-region=${region}&var-cluster=${cluster}&${keepContext}`,
  };
}
