import { flag, oneOf } from '../../fields';
import { expandScope } from '../../interpolation';
import { pageOf } from '../../page';
import { scopeFields, scopeOf } from '../../scope';
import type { Kind } from '../kind';
import { ClustersEditor } from './ClustersEditor';
import { clustersDefaults as defaults, clusterSorts, type ClustersQuery } from './query';

export const clusters: Kind<ClustersQuery> = {
  label: 'Clusters',
  description: 'The inventory, one row per cluster, with its health and its last inspection',
  defaults,
  normalize: (fields) => ({
    scope: scopeOf(fields),
    distinct: oneOf(fields, 'distinct', ['', ...scopeFields] as const, defaults.distinct),
    sort: oneOf(fields, 'sort', clusterSorts, defaults.sort),
    descending: flag(fields, 'descending', defaults.descending),
    ...pageOf(fields),
  }),
  interpolate: (query, variables) => ({ ...query, scope: expandScope(query.scope, variables) }),
  Editor: ClustersEditor,
};
