import tier3 from '../../../dashboards/tier3-cluster.json';
import toKubernetes from '../../../dashboards/trouble-to-kubernetes.json';
import { panelOf } from '../panels/model';

/** What tier 3 asks about a cluster, as its dashboard has it. */
export const diagnosis = panelOf(tier3, 'Diagnosis');
export const inspections = panelOf(tier3, 'Inspections');
export const alerts = panelOf(tier3, 'Alerts');
export const objectives = panelOf(tier3, 'Objectives');
export const members = panelOf(tier3, 'Members');

export const kubernetes = panelOf(toKubernetes, 'Kubernetes clusters on it');
