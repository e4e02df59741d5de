import { oneOf, texts } from '../../fields';
import { expandList, expandScope } from '../../interpolation';
import { pageOf } from '../../page';
import { scopeOf } from '../../scope';
import type { Kind } from '../kind';
import { EventsEditor } from './EventsEditor';
import { eventFormats, eventsDefaults as defaults, type EventsQuery, eventTypes } from './query';

export const events: Kind<EventsQuery> = {
  label: 'Events',
  description: 'The Kubernetes Events about clusters and their checks, newest first; kept for an hour by default',
  defaults,
  normalize: (fields) => ({
    scope: scopeOf(fields),
    types: oneOf(fields, 'types', eventTypes, defaults.types),
    reasons: texts(fields.reasons, 'reasons'),
    format: oneOf(fields, 'format', eventFormats, defaults.format),
    ...pageOf(fields),
  }),
  interpolate: (query, variables) => ({
    ...query,
    scope: expandScope(query.scope, variables),
    reasons: expandList(query.reasons, variables),
  }),
  Editor: EventsEditor,
};
