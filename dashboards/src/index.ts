// Every dashboard by the name of its file in dashboards/; adding one is a file here and a line below.
import type { Dashboard } from '@grafana/grafana-foundation-sdk/dashboard';
import { panelId } from '../../slo/generate/panel-id.ts';
import { customer } from './customer.ts';
import { tier1Overview } from './tier1-overview.ts';
import { tier2Business } from './tier2-business.ts';
import { tier2Customers } from './tier2-customers.ts';
import { tier2Platform } from './tier2-platform.ts';
import { tier2Scene } from './tier2-scene.ts';
import { tier3Cluster } from './tier3-cluster.ts';
import { troubleFromKubernetes } from './trouble-from-kubernetes.ts';
import { troubleHosts } from './trouble-hosts.ts';
import { troubleMonitoring } from './trouble-monitoring.ts';
import { troubleToKubernetes } from './trouble-to-kubernetes.ts';

export const dashboards: Record<string, () => Dashboard> = {
  'tier1-overview': () => withPanelIds(tier1Overview().build()),
  'tier2-business': () => withPanelIds(tier2Business().build()),
  'tier2-customers': () => withPanelIds(tier2Customers().build()),
  'tier2-platform': () => withPanelIds(tier2Platform().build()),
  'tier2-scene': () => withPanelIds(tier2Scene().build()),
  'tier3-cluster': () => withPanelIds(tier3Cluster().build()),
  'trouble-to-kubernetes': () => withPanelIds(troubleToKubernetes().build()),
  'trouble-from-kubernetes': () => withPanelIds(troubleFromKubernetes().build()),
  'trouble-hosts': () => withPanelIds(troubleHosts().build()),
  'trouble-monitoring': () => withPanelIds(troubleMonitoring().build()),
  customer: () => withPanelIds(customer().build()),
};

/** Gives each panel an id made from its title: see panelId. */
export function withPanelIds(dashboard: Dashboard): Dashboard {
  const taken = new Map<number, string>();
  for (const panel of dashboard.panels ?? []) {
    const name = `${panel.type}: ${panel.title}`;
    const id = panelId(panel.type, panel.title ?? '');
    if (taken.has(id)) {
      throw new Error(`${dashboard.title}: the panels "${taken.get(id)}" and "${name}" need different titles`);
    }
    taken.set(id, name);
    panel.id = id;
  }
  return dashboard;
}
