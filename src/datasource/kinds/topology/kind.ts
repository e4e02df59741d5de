import { expandScope } from '../../interpolation';
import { scopeOf } from '../../scope';
import type { Kind } from '../kind';
import { topologyDefaults as defaults, type TopologyQuery } from './query';
import { TopologyEditor } from './TopologyEditor';

export const topology: Kind<TopologyQuery> = {
  label: 'Topology',
  description: 'A node graph: Kubernetes clusters on etcd clusters, these on members, members on hosts',
  defaults,
  normalize: (fields) => ({ scope: scopeOf(fields) }),
  interpolate: (query, variables) => ({ ...query, scope: expandScope(query.scope, variables) }),
  Editor: TopologyEditor,
};
