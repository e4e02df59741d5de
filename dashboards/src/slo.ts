// Service levels as the dashboards show them, all from recorded series: PromQL, and the panels that every tier has.
import {
  MappingType,
  SpecialValueMatch,
  type Threshold,
  type ValueMapping,
} from '@grafana/grafana-foundation-sdk/dashboard';
import { burnRate, events, remainingBudget } from '../../slo/generate/series.ts';
import { loadDefinitions } from '../../slo/model/definitions.ts';
import { formatDuration } from '../../slo/model/duration.ts';
import type { Objective } from '../../slo/model/model.ts';
import type { Scope } from '../../src/datasource/scope.ts';
import { rowToCluster, rowToScene } from './links.ts';
import {
  absolute,
  answer,
  anyIsBad,
  coloured,
  column,
  linked,
  share,
  showColumns,
  table,
  timeseries,
  withLine,
} from './panels.ts';
import { instant, range, serviceLevels } from './queries.ts';

const { model } = loadDefinitions();

export const objectives = model.objectives;

/** The two burn rates that page somebody: the fast one and the medium one. */
const [fast, medium] = model.burnRates.filter(({ urgency }) => urgency === 'page');

/** The windows of tables and panels: what the fast and the medium alert look at. */
export const fastWindow = formatDuration(fast.long) as '1h';
export const mediumWindow = formatDuration(medium.long) as '6h';

export const shortest = formatDuration(fast.short);

export const budgetWindow = formatDuration(model.window);

const burnRateUnit = 'suffix:×';

const burnRateSteps: Threshold[] = [
  { color: 'text', value: null },
  { color: 'orange', value: medium.factor },
  { color: 'red', value: fast.factor },
];

/** Below zero the objective is broken; below a quarter a change can wait. */
const budgetSteps: Threshold[] = [
  { color: 'red', value: null },
  { color: 'orange', value: 0 },
  { color: 'green', value: 0.25 },
];

const sumBy = (by: string[], level: string, window: string, kind: string, where: string) =>
  `sum by (${by.join(', ')}) (${events(level, window)}{events="${kind}",${where}})`;

/** The share of events that were bad. `level` has all labels of `by` and `where`. */
export function badRatio(level: string, window: string, by: string[], where: string): string {
  return `${sumBy(by, level, window, 'bad', where)} / (${sumBy(by, level, window, 'all', where)} > 0)`;
}

/** How many times too fast groups of clusters burn their budgets: the worst SLI of the worst objective. */
export function burnRateOfGroups(level: string, window: string, by: string[], where: string): string {
  const each = [...new Set([...by, 'objective', 'sli'])];
  const spent = `${sumBy(each, level, window, 'bad', where)} / (${sumBy(each, level, window, 'budget', where)} > 0)`;
  return `max by (${by.join(', ')}) (${spent})`;
}

/** The same for one cluster, as its alerts see it. */
export const burnRateOfCluster = (window: string, where: string) =>
  `max by (objective) (${burnRate(window)}{${where}})`;

/** The clusters that burn so fast that somebody is paged, one series each. */
export function burningClusters(where: string): string {
  const over = (window: number, factor: number) =>
    `max by (region, cluster, objective) (${burnRate(formatDuration(window))}{${where}}) > ${factor}`;
  const pages = [fast, medium].map(({ short, long, factor }) => `(${over(short, factor)} and ${over(long, factor)})`);
  return `group by (region, cluster) (${pages.join(' or ')})`;
}

/** One series per cluster that there should be. */
export const expectedClusters = (where: string) =>
  `group by (region, cluster) (cluster:etcd_members:expected{${where}})`;

export const clustersBurning = (where: string) =>
  answer(
    'Clusters burning',
    'Clusters that burn an error budget so fast that somebody is paged.',
    'none',
    anyIsBad
  ).withTarget(instant(`count(${burningClusters(where)}) or 0 * count(${expectedClusters(where)})`));

/** How far the other figures cannot be trusted. */
export function clustersNotSeen(where: string) {
  const expected = expectedClusters(where);
  const seen = `(sum by (region, cluster) (up{job="etcd",${where}}) > 0)`;
  const unseen = `count(${expected} unless on (region, cluster) ${seen}) or 0 * count(${expected})`;
  return answer(
    'Clusters not seen',
    'Share of the clusters of which no member is scraped: how far the other figures cannot be trusted.',
    'percentunit',
    [
      { color: 'green', value: null },
      { color: 'orange', value: 0.0001 },
    ]
  )
    .decimals(2)
    .withTarget(instant(`(${unseen}) / count(${expected})`));
}

/** The share of a cluster's error budgets that is spent; more than 1 when there is more spent than there was. */
export const spentBudgetOfCluster = (where: string) =>
  `1 - min by (objective) (${remainingBudget(budgetWindow)}{${where}})`;

/** Burn rates over a window, with a line at the factor from which on the alert of that window pages. */
export function burnRatePanel(title: string, description: string, window = fastWindow as string) {
  const { factor } = window === fastWindow ? fast : medium;
  const panel = timeseries(title, `${description} From ${factor} × on an alert may page.`, burnRateUnit)
    .min(0)
    .axisSoftMax(factor)
    .noValue(notRecorded);
  return withLine(panel, factor, window === fastWindow ? 'red' : 'orange');
}

/** The error budgets of a table's rows by objective: one row for each value of `field`. */
export function budgetMatrix(title: string, description: string, field: string) {
  return table(title, description, notRecorded)
    .unit('percentunit')
    .decimals(1)
    .thresholds(absolute(budgetSteps))
    .mappings([nothingYet])
    .withTransformation({
      id: 'groupingToMatrix',
      options: { columnField: 'objective', rowField: field, valueField: 'budgetLeft', emptyValue: 'null' },
    })
    .overrideByFieldType('number', [{ id: 'custom.cellOptions', value: { type: 'color-background', mode: 'basic' } }])
    .overrideByName(`${field}\\objective`, [{ id: 'displayName', value: field }]);
}

const levelColumns = [
  ...['region', 'cluster', 'product', 'scene', 'spec', 'objective', 'budgetLeft', 'burnRate', 'sli', 'ratio', 'target'],
  ...['history', 'bad', 'all'],
];

/** What a level fixes, and then how well it keeps its objectives. */
type LevelColumn = 'region' | 'cluster' | 'product' | 'scene' | 'spec' | 'history' | 'bad' | 'all';

/** A ranking of service levels, with these columns beside those that every ranking has. */
export function levelsTable(title: string, description: string, of: LevelColumn[], more: LevelColumn[] = []) {
  const explained = `${description} Burn rate, good events and their numbers are those of ${fastWindow}.`;
  const panel = table(title, explained, notRecorded)
    .mappings([nothingYet])
    .overrideByName('region', column('region', 60))
    .overrideByName('product', column('product', 85))
    .overrideByName('scene', column('scene', 110))
    .overrideByName('spec', column('spec', 70))
    .overrideByName('objective', [
      { id: 'displayName', value: 'objective' },
      { id: 'custom.minWidth', value: 140 },
    ])
    .overrideByName('sli', column('worst SLI', 120))
    .overrideByName('budgetLeft', [
      ...column('budget left', 100),
      { id: 'decimals', value: 1 },
      ...coloured(budgetSteps, 'color-background'),
    ])
    .overrideByName('history', [...column('history', 75), { id: 'decimals', value: 1 }])
    .overrideByName('burnRate', [
      ...column('burn rate', 85),
      { id: 'decimals', value: 1 },
      ...coloured(burnRateSteps, 'color-text'),
    ])
    .overrideByName('ratio', [...column('good', 90), ...share(3)])
    .overrideByName('target', [...column('target', 75), { id: 'decimals', value: 2 }])
    .overrideByName('bad', [...column('bad events', 95), { id: 'decimals', value: 0 }])
    .overrideByName('all', [...column('all events', 95), { id: 'decimals', value: 0 }]);
  const shown = [...of, 'objective', 'budgetLeft', 'burnRate', 'sli', 'ratio', 'target', ...more];
  return showColumns(panel, levelColumns, shown, ['region', 'product', 'scene']);
}

/** Service levels with the burn rate of now beside the budget. */
export const levels: typeof serviceLevels = (query) => serviceLevels({ window: fastWindow, ...query });

/** The clusters of a scope that keep their objectives worst, one row for each objective. */
export const worstObjectives = (scope: Scope) =>
  levelsTable(
    'Clusters by objective, worst first',
    'What burns now, then the least budget left; the first 50 of cluster and objective.',
    ['region', 'cluster', 'scene']
  )
    .height(9)
    .withTarget(levels({ scope, level: 'cluster', limit: 50 }))
    .overrideByName('cluster', [...column('cluster', 150), ...linked(rowToCluster)])
    .overrideByName('scene', [...column('scene', 110), ...linked(rowToScene)]);

/** The bad share of each SLI of an objective over time. */
export function slisPanel({ name, title, slis }: Objective, level: string, where: string) {
  const named = model.slis.filter((sli) => slis.includes(sli.name));
  const meanings = named.map((sli) => `${sli.name}: ${sli.description}`).join(' ');
  return timeseries(
    `${title}: bad events`,
    `Share of bad events within ${shortest}, by SLI. ${meanings}`,
    'percentunit'
  )
    .min(0)
    .axisSoftMax(0.001)
    .noValue(notRecorded)
    .withTarget(range(badRatio(level, shortest, ['sli'], `objective="${name}",${where}`), '{{sli}}'));
}

/** A panel of one SLI's bad share. */
export function sliPanel(title: string, sli: string, level: string, by: string[], where: string) {
  const { description } = model.slis.find(({ name }) => name === sli)!;
  const legend = by.map((label) => `{{${label}}}`).join(' ');
  return timeseries(title, `Share of bad events within ${shortest}. Bad: ${description}`, 'percentunit')
    .min(0)
    .axisSoftMax(0.001)
    .noValue(notRecorded)
    .withTarget(range(badRatio(level, shortest, by, `sli="${sli}",${where}`), legend));
}

/** A new cluster has no budget in its first minutes: which does not mean a bad one. */
const nothingYet: ValueMapping = {
  type: MappingType.SpecialValue,
  options: { match: SpecialValueMatch.NullAndNan, result: { text: '–', color: 'transparent', index: 0 } },
};

export const notRecorded = 'Nothing is recorded: are the rules of rules/recording loaded?';
