import { firstPage, type Page } from '../../page';
import type { Scope } from '../../scope';
import type { QueryBase } from '../kind';

export const impactRows = ['cluster', 'host', 'zone'] as const;

/**
 * What a disturbance of the infrastructure touches. By cluster: one row per cluster with a member on one of the scope's hosts
 * or zones, quorums at risk first; a scope without these gets the clusters that are hurt. By host or zone: one row per
 * host or zone with what is hurt on it and elsewhere, the one that most clusters blame first.
 */
export interface ImpactQuery extends QueryBase, Page {
  kind: 'impact';
  scope: Scope;
  by: (typeof impactRows)[number];
}

export const impactDefaults: Omit<ImpactQuery, 'refId'> = {
  kind: 'impact',
  scope: {},
  by: 'cluster',
  ...firstPage,
};
