import type { DataFrame, RawTimeRange, ScopedVars } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';

/**
 * What Grafana hands to a link, as far as it is read here: panels and Explore give queries, their answers and their time, alerts
 * an instance, the command palette nothing.
 */
export interface LinkContext {
  targets?: DataQuery[];
  data?: { series?: DataFrame[] };
  timeRange?: RawTimeRange;
  scopedVars?: ScopedVars;
  dashboard?: { uid?: string };
  instance?: AlertInstance;
}

export interface AlertInstance {
  labels: Record<string, string>;
  annotations?: Record<string, string>;
  /** When it began, RFC 3339. */
  activeAt?: string;
}
