import type { Scope } from '../../scope';
import type { QueryBase } from '../kind';

/**
 * What depends on what, for a node graph: Kubernetes clusters on etcd clusters, these on members, members on hosts; at most 150
 * nodes, those of the worst clusters.
 */
export interface TopologyQuery extends QueryBase {
  kind: 'topology';
  scope: Scope;
}

export const topologyDefaults: Omit<TopologyQuery, 'refId'> = {
  kind: 'topology',
  scope: {},
};
