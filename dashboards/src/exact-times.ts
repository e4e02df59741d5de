// A table shows how long ago something was; the time itself is for whoever points at it.
import { type Dashboard, MappingType, type Panel } from '@grafana/grafana-foundation-sdk/dashboard';

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

/** Of a cell without a value the sum is 0. */
const noTime = { type: MappingType.ValueToText, options: { '0': { text: '–', index: 0 } } };

/** A sum with 0 copies the column, and adds none to a table that lacks it: one without columns shows its text for no data. */
function addExactTime(panel: Panel, name: string): void {
  const exact = `${name}, exactly`;
  panel.transformations = [
    ...(panel.transformations ?? []),
    {
      id: 'calculateField',
      options: {
        mode: 'binary',
        binary: { left: { matcher: { id: 'byName', options: name } }, operator: '+', right: { fixed: '0' } },
        alias: exact,
      },
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
        { id: 'mappings', value: [noTime] },
        { id: 'custom.width', value: 170 },
        { id: 'custom.hideFrom.viz', value: true },
      ],
    }
  );
}
