import { oneOf } from '../../fields';
import { expandScope } from '../../interpolation';
import { pageOf } from '../../page';
import { scopeOf } from '../../scope';
import type { Kind } from '../kind';
import { ImpactEditor } from './ImpactEditor';
import { impactDefaults as defaults, type ImpactQuery, impactRows } from './query';

export const impact: Kind<ImpactQuery> = {
  label: 'Impact',
  description: 'What a disturbance of hosts or zones touches: clusters with quorums at risk first, or hosts and zones',
  defaults,
  normalize: (fields) => ({
    scope: scopeOf(fields),
    by: oneOf(fields, 'by', impactRows, defaults.by),
    ...pageOf(fields),
  }),
  interpolate: (query, variables) => ({ ...query, scope: expandScope(query.scope, variables) }),
  Editor: ImpactEditor,
};
