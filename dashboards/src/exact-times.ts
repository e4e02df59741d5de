// A table shows how long ago something was; the time itself is for whoever points at it.
import type { Dashboard, Panel } from '@grafana/grafana-foundation-sdk/dashboard';

/** The unit of a column that says how long ago something was. */
export const fromNow = 'dateTimeFromNow';

/** Lets the cells of such columns show the time itself on hover. Grafana takes that from another column, which is not shown. */
export function withExactTimes(dashboard: Dashboard): Dashboard {
  for (const panel of (dashboard.panels ?? []) as Panel[]) {
    for (const name of panel.type === 'table' ? columnsFromNow(panel) : []) {
      addExactTime(panel, name);
    }
  }
  return dashboard;
}

const columnsFromNow = (panel: Panel): string[] =>
  (panel.fieldConfig?.overrides ?? [])
    .filter(({ properties }) => properties.some(({ id, value }) => id === 'unit' && value === fromNow))
    .map(({ matcher }) => String(matcher.options));

function addExactTime(panel: Panel, name: string): void {
  const exact = `${name}, exactly`;
  panel.transformations = [
    ...(panel.transformations ?? []),
    {
      id: 'calculateField',
      options: { mode: 'reduceRow', reduce: { include: [name], reducer: 'last' }, alias: exact },
    },
  ];
  panel.fieldConfig!.overrides.push(
    {
      matcher: { id: 'byName', options: name },
      properties: [
        { id: 'custom.tooltip.field', value: exact },
        { id: 'custom.tooltip.placement', value: 'right' },
      ],
    },
    {
      matcher: { id: 'byName', options: exact },
      properties: [
        { id: 'unit', value: 'dateTimeAsIso' },
        { id: 'custom.width', value: 170 },
        { id: 'custom.hideFrom.viz', value: true },
      ],
    }
  );
}
