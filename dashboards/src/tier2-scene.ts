// Tier 2: one scene, or one spec of it, across the regions. Which objective is in danger, and by which clusters?
import { dashboardUids } from '../../src/ids.ts';
import { dashboard } from './dashboard.ts';
import { rowToCluster, seriesToRegion, toOverview } from './links.ts';
import { column, fullWidth, inspectionsPanel, linked, row } from './panels.ts';
import { inspections, range } from './queries.ts';
import {
  budgetMatrix,
  budgetWindow,
  burnRateOfGroups,
  burnRatePanel,
  fastWindow,
  levels,
  levelsTable,
  objectives,
  slisPanel,
} from './slo.ts';
import { choiceVariable, filterVariable } from './variables.ts';

const where = 'region=~"$region",product=~"$product",scene="$scene",spec=~"$spec"';
const scope = { region: ['$region'], product: ['$product'], scene: ['$scene'], spec: ['$spec'] };

export function tier2Scene() {
  const tier = dashboard({
    title: 'etcd fleet: scene',
    uid: dashboardUids.scene,
    description: 'Tier 2. One scene across the regions: its objectives, their SLIs, and the clusters that hurt them.',
    tag: 'tier-2',
    from: 'now-6h',
  })
    .link(toOverview())
    .withVariable(filterVariable('product', 'Product'))
    .withVariable(choiceVariable('scene', 'Scene', { product: ['$product'] }))
    .withVariable(filterVariable('spec', 'Spec', { scene: ['$scene'] }))
    .withVariable(filterVariable('region', 'Region', { scene: ['$scene'] }))
    .withRow(row('Objectives'))
    .withPanel(
      levelsTable('Objectives', 'The objectives of all clusters of this scene together.', [], ['history', 'bad', 'all'])
        .height(7)
        .withTarget(levels({ scope, level: 'fleet' }))
    )
    .withPanel(
      budgetMatrix(
        'Error budget left by region',
        `What the scene has left of its error budget of ${budgetWindow} in each region.`,
        'region'
      )
        .height(6)
        .withTarget(levels({ scope, level: 'region', limit: 1000 }))
    )
    .withPanel(
      burnRatePanel(
        'Burn rate by objective',
        `How many times too fast the error budget of the scene burns, over ${fastWindow}.`
      )
        .span(fullWidth / 2)
        .withTarget(range(burnRateOfGroups('spec', fastWindow, ['objective'], where), '{{objective}}'))
    )
    .withPanel(
      burnRatePanel(
        'Burn rate by region',
        `How many times too fast the error budget burns in each region, over ${fastWindow}: its worst objective.`
      )
        .span(fullWidth / 2)
        .withTarget(range(burnRateOfGroups('spec', fastWindow, ['region'], where), '{{region}}'))
        .overrideByFieldType('number', linked(seriesToRegion))
    )
    .withPanel(
      levelsTable(
        'Clusters by objective, worst first',
        'What burns now, then the least budget left; the first 100 of cluster and objective.',
        ['region', 'cluster', 'spec']
      )
        .height(10)
        .withTarget(levels({ scope, level: 'cluster', limit: 100 }))
        .overrideByName('cluster', [...column('cluster', 150), ...linked(rowToCluster)])
    )
    .withRow(row('SLIs'));
  for (const objective of objectives) {
    tier.withPanel(slisPanel(objective, 'spec', where).span(fullWidth / 2));
  }
  return tier.withRow(row('Inspections')).withPanel(
    inspectionsPanel(
      'Inspections, worst first',
      'The last run of every inspection; a button runs it again immediately.',
      [...(['region', 'cluster', 'check', 'outcome', 'lastRun', 'message', 'state'] as const)]
    )
      .height(9)
      .withTarget(inspections({ scope, limit: 100 }))
  );
}
