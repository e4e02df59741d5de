// Kubernetes Events as the dashboards show them: a table, and marks in graphs.
import { AnnotationQueryBuilder } from '@grafana/grafana-foundation-sdk/dashboard';
import type { Scope } from '../../src/datasource/scope.ts';
import { ago, column, colouredWords, showColumns, table, wrappedText } from './panels.ts';
import { datasource, events } from './queries.ts';

const typeColours = { Warning: 'orange', Normal: 'text' };

const columns = [
  ...['time', 'type', 'reason', 'check', 'message', 'count'],
  ...['firstSeen', 'region', 'cluster', 'object', 'component'],
];

/** The Events of one cluster, the newest first. */
export function eventsTable(scope: Scope) {
  const panel = table(
    'Events',
    'What cruiser, the operator and Grafana reported of this cluster; Kubernetes keeps Events for an hour by default.',
    'No Event about this cluster is known in this time range. Kubernetes keeps them for an hour by default.'
  )
    .withTarget(events({ scope }))
    .overrideByName('time', ago('last seen', 140))
    .overrideByName('type', [...column('type', 80), ...colouredWords(typeColours)])
    .overrideByName('reason', column('reason', 160))
    .overrideByName('check', column('inspection', 180))
    .overrideByName('message', [...wrappedText, { id: 'custom.minWidth', value: 230 }])
    .overrideByName('count', column('count', 60));
  return showColumns(panel, columns, ['time', 'type', 'reason', 'check', 'message', 'count']);
}

/** Marks the Warnings of a cluster in every graph. It starts switched off: an inspection that fails again and again is noise. */
export function warningMarks(scope: Scope) {
  return new AnnotationQueryBuilder()
    .name('Warning Events')
    .datasource(datasource)
    .enable(false)
    .hide(false)
    .iconColor('orange')
    .target(events({ refId: 'Anno', scope, types: 'Warning', format: 'annotations', limit: 1000 }));
}
