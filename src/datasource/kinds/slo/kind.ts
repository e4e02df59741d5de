import { flag, oneOf, texts } from '../../fields';
import { expandList, expandScope } from '../../interpolation';
import { pageOf } from '../../page';
import { dimensions, scopeOf } from '../../scope';
import { sloWindows } from '../../sloWindows';
import type { Kind } from '../kind';
import { sloDefaults as defaults, sloLevels, sloParts, type SloQuery, sloSorts } from './query';
import { SloEditor } from './SloEditor';

export const slo: Kind<SloQuery> = {
  label: 'Service levels',
  description:
    'Error budgets and burn rates from recorded series, one row per objective of a group of clusters, ranked',
  defaults,
  normalize: (fields) => ({
    scope: scopeOf(fields, dimensions),
    level: oneOf(fields, 'level', sloLevels, defaults.level),
    by: oneOf(fields, 'by', sloParts, defaults.by),
    objectives: texts(fields.objectives, 'objectives'),
    window: oneOf(fields, 'window', sloWindows, defaults.window),
    distinct: oneOf(fields, 'distinct', ['', ...sloParts] as const, defaults.distinct),
    sort: oneOf(fields, 'sort', sloSorts, defaults.sort),
    descending: flag(fields, 'descending', defaults.descending),
    ...pageOf(fields),
  }),
  interpolate: (query, variables) => ({
    ...query,
    scope: expandScope(query.scope, variables),
    objectives: expandList(query.objectives, variables),
  }),
  Editor: SloEditor,
};
