import { oneOf, texts } from '../../fields';
import { expandList, expandScope } from '../../interpolation';
import { pageOf } from '../../page';
import { scopeOf } from '../../scope';
import type { Kind } from '../kind';
import { InspectionsEditor } from './InspectionsEditor';
import { inspectionsDefaults, type InspectionsQuery, outcomes } from './query';

export const inspections: Kind<InspectionsQuery> = {
  label: 'Inspections',
  description: 'Inspections and their results, one row per inspection, for the etcd inspections panel',
  defaults: inspectionsDefaults,
  normalize: (fields) => ({
    scope: scopeOf(fields),
    checks: texts(fields.checks, 'checks'),
    outcomes: texts(fields.outcomes, 'outcomes').map((outcome) => oneOf({ outcomes: outcome }, 'outcomes', outcomes)),
    ...pageOf(fields),
  }),
  interpolate: (query, variables) => ({
    ...query,
    scope: expandScope(query.scope, variables),
    checks: expandList(query.checks, variables),
  }),
  Editor: InspectionsEditor,
};
