// Where alerts lead: the dashboard of the cluster or region that they name, which begins with the diagnosis, the panel that
// shows what they say, and the runbook. The time is not here, as a rule does not know when an alert started: the notification adds it (deploy/alertmanager/etcd-fleet.tmpl).
import { dashboardUids, inspectionsPanelType } from '../../src/ids.ts';
import type { Deployment, Objective } from '../model/model.ts';
import { choose } from './alert-text.ts';
import { panelId } from './panel-id.ts';

interface Panel {
  type: string;
  title: string;
}

/** Panels of the dashboard of a cluster. */
export const clusterPanels = {
  bad: ({ title }: Objective): Panel => ({ type: 'timeseries', title: `${title}: bad events` }),
  budget: { type: 'timeseries', title: 'Error budget spent' },
  inspections: { type: inspectionsPanelType, title: 'Inspections' },
  members: { type: 'table', title: 'Members' },
};

const keyOf = ({ type, title }: Panel) => `panel-${panelId(type, title)}`;

/** The panel of a cluster's dashboard. */
export const panelLinks = (alert: string, panel: Panel, deployment: Deployment) =>
  clusterLinks(alert, keyOf(panel), deployment);

/** The panel of the objective that the alert names. */
export function objectiveLinks(alert: string, objectives: Objective[], deployment: Deployment) {
  const panels = Object.fromEntries(objectives.map((of) => [of.name, keyOf(clusterPanels.bad(of))]));
  return clusterLinks(alert, choose('objective', panels), deployment);
}

function clusterLinks(alert: string, panel: string, deployment: Deployment) {
  const query = '&var-region={{ $labels.region | urlquery }}&var-cluster={{ $labels.cluster | urlquery }}';
  const { dashboard_url, runbook_url } = links(alert, dashboardUids.cluster, query, deployment);
  return { dashboard_url, panel_url: `${dashboard_url}&viewPanel=${panel}`, runbook_url };
}

export const regionLinks = (alert: string, deployment: Deployment) =>
  links(alert, dashboardUids.overview, '&var-region={{ $labels.region | urlquery }}', deployment);

export const fleetLinks = (alert: string, deployment: Deployment) =>
  links(alert, dashboardUids.overview, '', deployment);

function links(alert: string, dashboard: string, query: string, { grafanaUrl, datasource, runbookUrl }: Deployment) {
  return {
    dashboard_url: `${grafanaUrl}/d/${dashboard}?var-datasource=${encodeURIComponent(datasource)}${query}`,
    runbook_url: `${runbookUrl}#${alert.toLowerCase()}`,
  };
}
