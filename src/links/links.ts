// The links that Grafana shows in its own menus. They are part of the entry bundle, which every page of Grafana loads: keep them
// small, and import nothing that is not in it already. src/plugin.json declares the same links, else Grafana refuses them.
// Grafana shows at most three links of a plugin at a place, and is told to leave out one by undefined.
import { type PluginExtensionAddedLinkConfig, PluginExtensionPoints } from '@grafana/data';
import { locationService } from '@grafana/runtime';

import { appId, dashboardUids } from '../ids';
import { clusterDashboardPath, clusterPagePath, clusterRoute, inspectionsPath, troubleshootingPath } from './addresses';
import type { LinkContext } from './context';
import { linkedCluster, type LinkedCluster } from './linkedCluster';

type Link = PluginExtensionAddedLinkConfig<LinkContext>;

const { DashboardPanelMenu, ExploreToolbarAction, AlertInstanceAction, CommandPalette } = PluginExtensionPoints;

const category = 'etcd Fleet';

/** A link to a page of the app, the only ones that Grafana takes as a path. */
const diagnose: Link = {
  title: 'Diagnose etcd cluster',
  description: 'What is wrong with the etcd cluster that this is about, since when, and what to do next',
  targets: [DashboardPanelMenu, ExploreToolbarAction, AlertInstanceAction],
  path: clusterRoute,
  icon: 'heart-rate',
  category,
  configure: (context) => {
    const of = linkedCluster(context);
    return of && { path: clusterPagePath(of) };
  },
};

/** A link to a dashboard, left out on this dashboard itself. */
const toDashboard = (uid: string, path: (of: LinkedCluster) => string): Partial<Link> => ({
  category,
  configure: (context) => (linkedCluster(context) && context?.dashboard?.uid !== uid ? {} : undefined),
  onClick: (_event, { context }) => {
    const of = linkedCluster(context);
    if (of) {
      locationService.push(path(of));
    }
  },
});

const dashboard: Link = {
  title: 'etcd cluster dashboard',
  description: 'The service levels, members and inspections of the etcd cluster that this is about',
  targets: [DashboardPanelMenu, ExploreToolbarAction],
  icon: 'apps',
  ...toDashboard(dashboardUids.cluster, clusterDashboardPath),
};

const troubleshooting: Link = {
  title: 'Who suffers from etcd',
  description: 'Troubleshooting from the etcd cluster that this is about to the Kubernetes clusters on it',
  targets: [DashboardPanelMenu, AlertInstanceAction],
  icon: 'kubernetes',
  ...toDashboard(dashboardUids.toKubernetes, troubleshootingPath),
};

const inspect: Link = {
  title: 'Run etcd inspection',
  description: 'The inspections of the etcd cluster that this is about, with buttons that run them now',
  targets: [ExploreToolbarAction, AlertInstanceAction],
  icon: 'play',
  ...toDashboard('', inspectionsPath),
};

/** The palette tells nothing of the page behind it. */
const worstNow: Link = {
  title: 'etcd clusters: what is wrong now',
  description: 'The etcd clusters that are hurt now, the worst first',
  targets: [CommandPalette],
  path: `/a/${appId}/fleet`,
};

export const links: Link[] = [diagnose, dashboard, troubleshooting, inspect, worstNow];
