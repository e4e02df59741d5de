// The house style: every panel of a kind is built here, so that units, legends and colours are the same everywhere.
import {
  BigValueColorMode,
  BigValueGraphMode,
  GraphDrawStyle,
  LegendDisplayMode,
  LegendPlacement,
  ReduceDataOptionsBuilder,
  SortOrder,
  TooltipDisplayMode,
  VisibilityMode,
  VizLegendOptionsBuilder,
  VizTooltipOptionsBuilder,
  GraphThresholdsStyleConfigBuilder,
  GraphThresholdsStyleMode,
} from '@grafana/grafana-foundation-sdk/common';
import {
  MappingType,
  PanelBuilder,
  RowBuilder,
  SpecialValueMatch,
  ThresholdsConfigBuilder,
  ThresholdsMode,
  type DynamicConfigValue,
  type Threshold,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { PanelBuilder as NodeGraphBuilder } from '@grafana/grafana-foundation-sdk/nodegraph';
import { PanelBuilder as StatBuilder } from '@grafana/grafana-foundation-sdk/stat';
import { PanelBuilder as TableBuilder } from '@grafana/grafana-foundation-sdk/table';
import { PanelBuilder as TimeseriesBuilder } from '@grafana/grafana-foundation-sdk/timeseries';
import { inspectionsPanelType } from '../../src/ids.ts';
import type { ColumnId } from '../../src/panels/inspections/columnIds.ts';
import type { InspectionsOptions } from '../../src/panels/inspections/options.ts';
import { fromNow } from './exact-times.ts';
import { countOf, datasource, failedInspections, instant } from './queries.ts';

/** The grid is 24 columns wide. */
export const fullWidth = 24;

export const row = (title: string) => new RowBuilder(title);

/** One number, coloured by steps. */
export function stat(title: string, description: string, unit: string, steps: Threshold[]) {
  return new StatBuilder()
    .title(title)
    .description(description)
    .datasource(datasource)
    .unit(unit)
    .thresholds(absolute(steps))
    .colorMode(BigValueColorMode.Value)
    .graphMode(BigValueGraphMode.None)
    .reduceOptions(new ReduceDataOptionsBuilder().calcs(['lastNotNull']).fields('/^Value$/'))
    .noValue('No data')
    .mappings([noData])
    .height(3)
    .span(8);
}

/** One of the four answers at the top of a tier. */
export const answer = (...args: Parameters<typeof stat>) => stat(...args).span(fullWidth / 4);

/** Neither good nor bad: without this it has the colour of the first step. */
export const noData: ValueMapping = {
  type: MappingType.SpecialValue,
  options: { match: SpecialValueMatch.NullAndNan, result: { text: 'No data', color: 'text', index: 0 } },
};

export function timeseries(title: string, description: string, unit: string) {
  return new TimeseriesBuilder()
    .title(title)
    .description(description)
    .datasource(datasource)
    .unit(unit)
    .drawStyle(GraphDrawStyle.Line)
    .lineWidth(1)
    .fillOpacity(8)
    .showPoints(VisibilityMode.Never)
    .tooltip(new VizTooltipOptionsBuilder().mode(TooltipDisplayMode.Multi).sort(SortOrder.Descending))
    .legend(
      new VizLegendOptionsBuilder()
        .displayMode(LegendDisplayMode.List)
        .placement(LegendPlacement.Bottom)
        .showLegend(true)
        .calcs([])
    )
    .noValue('No data in this time range')
    .height(8)
    .span(8);
}

/** `empty` is what it says without rows; a cell without a value shows a dash. */
export function table(title: string, description: string, empty: string) {
  return new TableBuilder()
    .title(title)
    .description(description)
    .datasource(datasource)
    .noValue(empty)
    .overrideByRegexp('/.*/', [{ id: 'noValue', value: '–' }])
    .span(fullWidth);
}

/** What depends on what. A click on a node leads somewhere. */
export function nodeGraph(title: string, description: string) {
  return new NodeGraphBuilder()
    .title(title)
    .description(description)
    .datasource(datasource)
    .noValue('The inventory has no cluster of this scope.')
    .height(11)
    .span(fullWidth);
}

/** Columns that the dashboard's own variables fix are left out, so that the message has room. */
export function inspectionsPanel(title: string, description: string, columns: ColumnId[]) {
  return new PanelBuilder()
    .type(inspectionsPanelType)
    .options({ columns } satisfies Partial<InspectionsOptions>)
    .title(title)
    .description(description)
    .datasource(datasource)
    .span(fullWidth);
}

/**
 * A share of 1 in percent, with texts that keep what is nearly all from reading 100 % and what is nearly nothing from
 * reading 0 %.
 */
export function share(decimals: number): DynamicConfigValue[] {
  return [
    { id: 'unit', value: 'percentunit' },
    { id: 'decimals', value: decimals },
    { id: 'mappings', value: [notKnown, ...nearlyAllOrNothing(decimals)] },
  ];
}

export function nearlyAllOrNothing(decimals: number): ValueMapping[] {
  const last = 10 ** -(decimals + 2); // the smallest share that is not rounded to nothing is half of it
  const between = (from: number, to: number, text: string, index: number): ValueMapping => ({
    type: MappingType.RangeToText,
    options: { from, to, result: { text, index } },
  });
  return [
    between(1 - last / 2, 1 - Number.EPSILON, `> ${(100 - 100 * last).toFixed(decimals)} %`, 1),
    between(Number.EPSILON, last / 2, `< ${(100 * last).toFixed(decimals)} %`, 2),
  ];
}

/** A value that is not known is a dash, in no colour that judges. */
export const notKnown: ValueMapping = {
  type: MappingType.SpecialValue,
  options: { match: SpecialValueMatch.NullAndNan, result: { text: '–', color: 'text', index: 0 } },
};

/** Colours of a column's values. */
export function coloured(steps: Threshold[], type: 'color-text' | 'color-background'): DynamicConfigValue[] {
  return [
    { id: 'thresholds', value: { mode: 'absolute', steps } },
    { id: 'color', value: { mode: 'thresholds' } },
    { id: 'custom.cellOptions', value: { type } },
  ];
}

/** Colours from a value upwards; the first step has no value. */
export function absolute(steps: Threshold[]) {
  return new ThresholdsConfigBuilder().mode(ThresholdsMode.Absolute).steps(steps);
}

export const neutral: Threshold[] = [{ color: 'text', value: null }];

/** A count of what should not be: green for none. */
export const greenUntilOne = (color: string): Threshold[] => [
  { color: 'green', value: null },
  { color, value: 1 },
];

export const anyIsBad = greenUntilOne('red');

export const membersNotScraped = (where: string) =>
  stat(
    'Members not scraped',
    'Members whose last scrape failed: their state is unknown.',
    'none',
    greenUntilOne('orange')
  ).withTarget(instant(countOf(`up{job="etcd",${where}}`, '== 0')));

export const inspectionsFailed = (where: string) =>
  stat('Inspections failed', 'Inspections whose last run found a fault.', 'none', anyIsBad).withTarget(
    instant(failedInspections(where))
  );

/** A dashed line in a graph, from which on it is bad. */
export const withLine = (panel: TimeseriesBuilder, value: number, color: string) =>
  panel
    .thresholds(
      absolute([
        { color: 'transparent', value: null },
        { color, value },
      ])
    )
    .thresholdsStyle(new GraphThresholdsStyleConfigBuilder().mode(GraphThresholdsStyleMode.Dashed));

/** Positions of a table's columns, for the transformation `organize`. */
export const inOrder = (names: string[]) => Object.fromEntries(names.map((name, index) => [name, index]));

/** A table column's title and width in pixels. */
export function column(name: string, width: number): DynamicConfigValue[] {
  return [
    { id: 'displayName', value: name },
    { id: 'custom.width', value: width },
  ];
}

/** A column of times as the time since then. */
export function ago(name: string, width: number): DynamicConfigValue[] {
  return [...column(name, width), { id: 'unit', value: fromNow }];
}

/** A column that is not shown. */
export const hiddenColumn: DynamicConfigValue[] = [{ id: 'custom.hideFrom.viz', value: true }];

/**
 * Shows some of a table's columns, in this order. What links read stays, unseen, because a column that a transformation takes
 * away is gone for them too.
 */
export function showColumns(panel: TableBuilder, all: string[], shown: string[], read: string[] = []): TableBuilder {
  const gone = all.filter((name) => !shown.includes(name) && !read.includes(name));
  panel.withTransformation({
    id: 'organize',
    options: { excludeByName: Object.fromEntries(gone.map((name) => [name, true])), indexByName: inOrder(shown) },
  });
  for (const name of read.filter((name) => !shown.includes(name))) {
    panel.overrideByName(name, hiddenColumn);
  }
  return panel;
}

/** A column whose texts take as many lines as they need. */
export const wrappedText: DynamicConfigValue[] = [{ id: 'custom.wrapText', value: true }];

/** A column that leads somewhere. */
export const linked = (link: { title: string; url: string }): DynamicConfigValue[] => [{ id: 'links', value: [link] }];

/** For a column whose values have colours of their own: other values, and none, are neither good nor bad. */
export const greyOtherwise: DynamicConfigValue[] = [
  { id: 'thresholds', value: { mode: 'absolute', steps: [{ color: 'text', value: null }] } },
];

/** A column that shows each word in its own colour. */
export function colouredWords(colours: Record<string, string>): DynamicConfigValue[] {
  const mapping: ValueMapping = {
    type: MappingType.ValueToText,
    options: Object.fromEntries(Object.entries(colours).map(([text, color], index) => [text, { text, color, index }])),
  };
  return [
    { id: 'mappings', value: [mapping] },
    { id: 'custom.cellOptions', value: { type: 'color-text' } },
    ...greyOtherwise,
  ];
}

export const healthColours = { Healthy: 'green', Degraded: 'orange', Unhealthy: 'red', Unknown: 'text' };

export const outcomeColours = {
  NotSupported: 'text',
  Passed: 'green',
  Warning: 'orange',
  Failed: 'red',
  Error: 'purple',
};
