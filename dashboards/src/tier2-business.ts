// Tier 2, business: a business is a product. Is each available in each region, and has each enough etcd left?
import { dashboardUids } from '../../src/ids.ts';
import {
  clusterCount,
  clustersFullSoon,
  clustersNearQuota,
  facts,
  freeClusters,
  kubernetesOf,
  nearQuota,
  quotaUsedOfGroups,
} from './capacity.ts';
import { dashboard } from './dashboard.ts';
import { worstNow } from './diagnosis.ts';
import { factsTable, rankingTable } from './facts.ts';
import { rowToBusiness, toCustomers, toOverview, toPlatform } from './links.ts';
import { answer, column, fullWidth, linked, neutral, row, timeseries, withLine } from './panels.ts';
import { instant, range } from './queries.ts';
import {
  burnRateOfGroups,
  burnRatePanel,
  clustersBurning,
  fastWindow,
  levels,
  levelsTable,
  notRecorded,
  objectives,
} from './slo.ts';
import { filterVariable } from './variables.ts';

const where = 'region=~"$region",product=~"$product",scene=~"$scene"';
const scope = { region: ['$region'], product: ['$product'], scene: ['$scene'] };

const business = 'region, product';
const cluster = 'region, product, cluster';

/** What users feel; data quality says how far these figures can be trusted. */
const availability = objectives.map(({ name }) => name).filter((name) => name.endsWith('-availability'));

const noInventory = 'The inventory has no cluster of this scope, or the rules of rules/recording are not loaded.';

export function tier2Business() {
  return dashboard({
    title: 'etcd fleet: business',
    uid: dashboardUids.business,
    description: 'Tier 2. Is each business available in each region, and has it enough etcd? A business is a product.',
    tag: 'tier-2',
    from: 'now-6h',
  })
    .link(toOverview())
    .link(toCustomers())
    .link(toPlatform())
    .withVariable(filterVariable('region', 'Region'))
    .withVariable(filterVariable('product', 'Product', { region: ['$region'] }))
    .withVariable(filterVariable('scene', 'Scene', { region: ['$region'], product: ['$product'] }))
    .withRow(row('Is each business available, and has it enough etcd?'))
    .withPanel(clustersBurning(where))
    .withPanel(clustersNearQuota(where))
    .withPanel(clustersFullSoon(where))
    .withPanel(
      answer('Free clusters', 'Clusters in which no Kubernetes cluster stores, by the inventory.', 'none', neutral)
        .noValue('no inventory')
        .withTarget(instant(freeClusters('', where)))
    )
    .withPanel(
      levelsTable(
        'Availability by region and business, worst first',
        'What burns now, then the least budget left; the first 50 of region, business and objective.',
        ['region', 'product']
      )
        .height(6)
        .withTarget(levels({ scope, level: 'product', objectives: availability, limit: 50 }))
        .overrideByName('product', [...column('product', 85), ...linked(rowToBusiness)])
    )
    .withPanel(
      factsTable({
        title: 'Enough etcd by region and business',
        description:
          'Free clusters carry no Kubernetes cluster. Quota left is the sum of what databases may grow by; fullest is the database that is nearest to its quota. Room for keys takes new keys to be as large as those that there are. Connections free is the free part of the file descriptors of the member that has least.',
        empty: noInventory,
        labels: ['region', 'product'],
        rows: clusterCount(business, where),
        facts: [
          facts.clusters(business, where),
          facts.free(business, where),
          facts.fullest(business, where),
          facts.quotaLeft(business, where),
          facts.roomForKeys(business, where),
          facts.connectionsFree(business, where),
        ],
        sortBy: 'fullest',
      }).height(6)
    )
    .withRow(row('Which clusters'))
    .withPanel(
      rankingTable({
        title: 'Fullest clusters',
        description: 'The part of its quota that the database of the fullest member takes.',
        empty: notRecorded,
        labels: ['region', 'product', 'cluster'],
        fact: facts.quotaUsed(cluster, where),
      })
        .height(7)
        .span(fullWidth / 2)
    )
    .withPanel(
      rankingTable({
        title: 'Full first',
        description: 'Clusters whose data grow, and when they reach the quota at this pace.',
        empty: 'No cluster is known to grow: the check key-count-growth foresees it after some runs.',
        labels: ['region', 'product', 'cluster'],
        fact: facts.fullIn(cluster, where),
        smallestFirst: true,
      })
        .height(7)
        .span(fullWidth / 2)
    )
    .withPanel(
      rankingTable({
        title: 'Fewest Kubernetes clusters',
        description: 'Where another one can go: how many store in the cluster, by the inventory.',
        empty: noInventory,
        labels: ['region', 'spec', 'cluster'],
        fact: { name: 'Kubernetes', expr: kubernetesOf('region, spec, cluster', where), width: 95 },
        smallestFirst: true,
      })
        .height(8)
        .span(fullWidth / 2)
    )
    .withPanel(
      withLine(
        timeseries('Quota used by business', 'The part of all quotas together that databases take.', 'percentunit')
          .min(0)
          .axisSoftMax(1)
          .noValue(notRecorded),
        nearQuota,
        'orange'
      )
        .span(fullWidth / 2)
        .withTarget(range(quotaUsedOfGroups('product', where), '{{product}}'))
    )
    .withRow(row('Who is hurt'))
    .withPanel(worstNow(scope))
    .withPanel(
      burnRatePanel(
        'Burn rate by business',
        `How many times too fast the error budget of each product burns, over ${fastWindow}: its worst objective.`
      )
        .span(fullWidth)
        .withTarget(range(burnRateOfGroups('spec', fastWindow, ['product'], where), '{{product}}'))
    );
}
