import { firstPage, type Page } from '../../page';
import type { Scope, ScopeField } from '../../scope';
import type { QueryBase } from '../kind';

export const clusterSorts = ['health', 'region', 'cluster', 'keys', 'dbSize', 'lastInspection'] as const;

/** The inventory with health and last inspection, one row per cluster, worst first unless sorted otherwise. */
export interface ClustersQuery extends QueryBase, Page {
  kind: 'clusters';
  scope: Scope;
  /** Return only this field's distinct values (for dashboard variables); empty means whole rows. */
  distinct: ScopeField | '';
  sort: (typeof clusterSorts)[number];
  descending: boolean;
}

export const clustersDefaults: Omit<ClustersQuery, 'refId'> = {
  kind: 'clusters',
  scope: {},
  distinct: '',
  sort: 'health',
  descending: false,
  ...firstPage,
};
