import { firstPage, type Page } from '../../page';
import type { Scope } from '../../scope';
import type { QueryBase } from '../kind';

/** Kubernetes' types of Events; `All` wants both. */
export const eventTypes = ['All', 'Normal', 'Warning'] as const;

export const eventFormats = ['table', 'annotations'] as const;

/**
 * The Kubernetes Events about the EtcdClusters of a scope and their EtcdMonitors that were last seen within the time range,
 * the newest first. Kubernetes keeps an Event for one hour after it was last seen, unless its API server is told otherwise.
 */
export interface EventsQuery extends QueryBase, Page {
  kind: 'events';
  scope: Scope;
  types: (typeof eventTypes)[number];
  /** Reasons such as `InspectionFailed`; empty means all. */
  reasons: string[];
  /** `table` has all columns, `annotations` those that Grafana draws into graphs. */
  format: (typeof eventFormats)[number];
}

export const eventsDefaults: Omit<EventsQuery, 'refId'> = {
  kind: 'events',
  scope: {},
  types: 'All',
  reasons: [],
  format: 'table',
  ...firstPage,
};
