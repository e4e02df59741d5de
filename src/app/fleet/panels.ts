import tier1 from '../../../dashboards/tier1-overview.json';
import { panelOf, withLink } from '../panels/model';
import { regionDashboardLink } from '../paths';

/** What tier 1 answers first, as its dashboard asks it. */
export const answers = ['Clusters burning', 'Pages firing', 'Kubernetes behind', 'Clusters not seen'].map((title) =>
  panelOf(tier1, title)
);

export const worstNow = panelOf(tier1, 'Worst now');

/** The column of the regions in a matrix of regions and objectives. */
const regionColumn = 'region\\objective';

export const regions = withLink(panelOf(tier1, 'Error budget left by region'), regionColumn, {
  title: 'Open the region',
  url: regionDashboardLink(regionColumn),
});
