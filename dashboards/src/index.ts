// Every dashboard by the name of its file in dashboards/; adding one is a file here and a line below.
import type { Dashboard, DashboardBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import { panelId } from '../../slo/generate/panel-id.ts';
import { customer } from './customer.ts';
import { withExactTimes } from './exact-times.ts';
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
  'tier1-overview': () => finished(tier1Overview()),
  'tier2-business': () => finished(tier2Business()),
  'tier2-customers': () => finished(tier2Customers()),
  'tier2-platform': () => finished(tier2Platform()),
  'tier2-scene': () => finished(tier2Scene()),
  'tier3-cluster': () => finished(tier3Cluster()),
  'trouble-to-kubernetes': () => finished(troubleToKubernetes()),
  'trouble-from-kubernetes': () => finished(troubleFromKubernetes()),
  'trouble-hosts': () => finished(troubleHosts()),
  'trouble-monitoring': () => finished(troubleMonitoring()),
  customer: () => finished(customer()),
};

const finished = (builder: DashboardBuilder): Dashboard => withExactTimes(withPanelIds(builder.build()));

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
