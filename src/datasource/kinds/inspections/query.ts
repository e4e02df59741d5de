import { firstPage, type Page } from '../../page';
import type { Scope } from '../../scope';
import type { QueryBase } from '../kind';

/** From the least to the worst, as api/v1beta1/outcome.go has them: whatever ranks outcomes uses this order. */
export const outcomes = ['NotSupported', 'Passed', 'Warning', 'Error', 'Failed'] as const;

/**
 * How an inspection ended. Error: the check could not run; NotSupported: the cluster's etcd version lacks what the check
 * needs, and there is nothing to do.
 */
export type Outcome = (typeof outcomes)[number];

/** The inspections of a scope with their history, one row per EtcdMonitor, worst first. */
export interface InspectionsQuery extends QueryBase, Page {
  kind: 'inspections';
  scope: Scope;
  /** Check names such as `etcd-node-key-diff`; empty means all. */
  checks: string[];
  /** Outcomes of the last run; empty means all. */
  outcomes: Outcome[];
}

export const inspectionsDefaults: Omit<InspectionsQuery, 'refId'> = {
  kind: 'inspections',
  scope: {},
  checks: [],
  outcomes: [],
  ...firstPage,
};
