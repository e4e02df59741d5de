// Tier 2, big customers, as operators see them: how large is each cluster, how fast does it grow, and how long does it last?
import { capacity } from '../../slo/generate/capacity.ts';
import { dashboardUids } from '../../src/ids.ts';
import { clustersFullSoon, clustersNearQuota, facts, growth, nearQuota, quotaUsed } from './capacity.ts';
import { dashboard } from './dashboard.ts';
import { worstNow } from './diagnosis.ts';
import { factsTable } from './facts.ts';
import { seriesToCluster, toBusiness, toOverview, toPlatform } from './links.ts';
import { fullWidth, inspectionsPanel, linked, row, timeseries, withLine } from './panels.ts';
import { inspections, range } from './queries.ts';
import {
  burnRateOfGroups,
  burnRatePanel,
  clustersBurning,
  clustersNotSeen,
  fastWindow,
  notRecorded,
  worstObjectives,
} from './slo.ts';
import { filterVariable, filterVariableAt } from './variables.ts';

/** The scene of EtcdClusters that serve one big customer each, as slo/definitions/classes.yaml calls it. */
const bigCustomers = 'big-customer';

const where = 'region=~"$region",product=~"$product",scene=~"$scene"';
const scope = { region: ['$region'], product: ['$product'], scene: ['$scene'] };

const cluster = 'region, cluster';

/** The fullest clusters, and then those of which no quota is known. */
const fullest = `topk(50, ${quotaUsed(cluster, where)} or NaN * max by (${cluster}) (cluster:etcd_members:expected{${where}}))`;
const movers = `topk(20, abs(${growth(cluster, where)}))`;

/** A figure of the ten clusters in which it is largest at the end of the time range. */
const ofLargest = (series: string) => `${series}{${where}} and topk(10, ${series}{${where}} @ end())`;

const largest = (title: string, description: string, unit: string, series: string) =>
  timeseries(title, `${description} The ten clusters that have most.`, unit)
    .min(0)
    .noValue(notRecorded)
    .withTarget(range(ofLargest(series), '{{region}} {{cluster}}'))
    .overrideByFieldType('number', linked(seriesToCluster));

export function tier2Customers() {
  return dashboard({
    title: 'etcd fleet: big customers',
    uid: dashboardUids.customers,
    description:
      'Tier 2, for operators. How large is each cluster of a big customer, and how long does its quota last?',
    tag: 'tier-2',
    from: 'now-24h',
  })
    .link(toOverview())
    .link(toBusiness())
    .link(toPlatform())
    .withVariable(filterVariable('region', 'Region'))
    .withVariable(filterVariable('product', 'Product', { region: ['$region'] }))
    .withVariable(filterVariableAt(bigCustomers, 'scene', 'Scene', { region: ['$region'], product: ['$product'] }))
    .withRow(row('How large is each cluster, and how long does its quota last?'))
    .withPanel(clustersBurning(where))
    .withPanel(clustersNearQuota(where))
    .withPanel(clustersFullSoon(where))
    .withPanel(clustersNotSeen(where))
    .withPanel(
      factsTable({
        title: 'Size and headroom, fullest first',
        description:
          'Size and keys are those of the largest member. Full in: days until the data reach the quota at today’s pace, by the check key-count-growth; a dash for what does not grow. Growth is that of the data in use within the time range; a dash for what is younger. Connections free is the free part of the file descriptors of the member that has least. The first 50.',
        empty: 'The inventory has no cluster of this scope, or the rules of rules/recording are not loaded.',
        labels: ['region', 'cluster'],
        rows: fullest,
        facts: [
          facts.quotaUsed(cluster, where),
          facts.fullIn(cluster, where),
          facts.size(cluster, where),
          facts.growth(cluster, where),
          facts.keys(cluster, where),
          facts.connectionsFree(cluster, where),
        ],
        sortBy: 'quota used',
      }).height(7)
    )
    .withPanel(worstNow(scope, ['region', 'cluster', 'statement', 'since', 'action']))
    .withRow(row('What changes'))
    .withPanel(
      factsTable({
        title: 'Biggest movers',
        description:
          'The clusters whose data in use changed most within the time range, up or down. Keys per hour are those of the check key-count-growth. The first 20.',
        empty: 'No cluster of this scope is recorded since the beginning of the time range: choose a shorter one.',
        labels: ['region', 'cluster'],
        rows: movers,
        facts: [
          facts.growth(cluster, where),
          {
            name: 'keys per hour',
            expr: `max by (${cluster}) (etcd_inspection_key_growth_per_hour{${where}})`,
            width: 110,
            config: [{ id: 'unit', value: 'short' }],
          },
        ],
        sortBy: 'growth',
      })
        .height(8)
        .span(fullWidth / 2)
    )
    .withPanel(largest('Database size', 'File of the largest member.', 'bytes', capacity.size).span(fullWidth / 2))
    .withPanel(
      withLine(
        largest(
          'Quota used',
          'Part of the quota that the file of the fullest member takes.',
          'percentunit',
          capacity.quotaUsed
        ).axisSoftMax(1),
        nearQuota,
        'orange'
      ).span(fullWidth / 2)
    )
    .withPanel(
      largest('Keys', 'Keys of the largest member.', 'short', capacity.keys)
        .axisLabel('keys')
        .span(fullWidth / 2)
    )
    .withRow(row('Service levels and inspections'))
    .withPanel(worstObjectives(scope))
    .withPanel(
      burnRatePanel(
        'Burn rate by objective',
        `How many times too fast the error budget of all these clusters together burns, over ${fastWindow}.`
      )
        .span(fullWidth)
        .withTarget(range(burnRateOfGroups('spec', fastWindow, ['objective'], where), '{{objective}}'))
    )
    .withPanel(
      inspectionsPanel(
        'Inspections of size and load, worst first',
        'Which keys are large, grow or are hot: the last run of each check. A button runs it again immediately.',
        ['region', 'cluster', 'check', 'outcome', 'lastRun', 'message', 'state']
      )
        .height(9)
        .withTarget(
          inspections({
            scope,
            checks: ['quota-and-fragmentation', 'key-count-growth', 'large-key-values', 'write-qps-outliers'],
            limit: 100,
          })
        )
    );
}
