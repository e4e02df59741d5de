// What every dashboard of the fleet has: how it looks, refreshes, and which datasource it asks.
import { DashboardBuilder, DashboardCursorSync } from '@grafana/grafana-foundation-sdk/dashboard';
import { datasourceVariable } from './variables.ts';

export interface Identity {
  title: string;
  uid: string;
  /** The question that it answers, and for whom. */
  description: string;
  tag: 'tier-1' | 'tier-2' | 'tier-3' | 'troubleshooting';
  /** How far back it looks when it is opened. */
  from?: string;
}

export function dashboard({ title, uid, description, tag, from = 'now-1h' }: Identity): DashboardBuilder {
  return new DashboardBuilder(title)
    .uid(uid)
    .description(description)
    .tags(['etcd-fleet', tag])
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from, to: 'now' })
    .refresh('30s')
    .withVariable(datasourceVariable());
}
