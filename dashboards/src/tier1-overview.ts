// Tier 1: all regions on one page. Who is hurt?
import { dashboardUids } from '../../src/ids.ts';
import { kubernetesOf } from './capacity.ts';
import { dashboard } from './dashboard.ts';
import { worstNow } from './diagnosis.ts';
import {
  rowToBusiness,
  rowToCluster,
  rowToScene,
  seriesToRegion,
  toBusiness,
  toCustomers,
  toHosts,
  toMonitoring,
  toPlatform,
} from './links.ts';
import {
  ago,
  answer,
  anyIsBad,
  column,
  colouredWords,
  fullWidth,
  healthColours,
  inspectionsFailed,
  inspectionsPanel,
  linked,
  membersNotScraped,
  neutral,
  outcomeColours,
  row,
  share,
  showColumns,
  stat,
  table,
  timeseries,
} from './panels.ts';
import { clusters, countOf, inspections, instant, range } from './queries.ts';
import { coverageRatio } from '../../slo/generate/coverage.ts';
import {
  badRatio,
  budgetMatrix,
  budgetWindow,
  burningClusters,
  burnRateOfGroups,
  burnRatePanel,
  clustersBurning,
  clustersNotSeen,
  expectedClusters,
  fastWindow,
  levels,
  levelsTable,
  shortest,
  sliPanel,
  worstObjectives,
} from './slo.ts';
import { filterVariable } from './variables.ts';

const where = 'region=~"$region",product=~"$product",scene=~"$scene",spec=~"$spec"';
const scope = { region: ['$region'], product: ['$product'], scene: ['$scene'], spec: ['$spec'] };

const expected = expectedClusters(where);
const kubernetesClusters = kubernetesOf('region, cluster', where);

const clusterColumns = [
  ...[
    'region',
    'cluster',
    'health',
    'inspection',
    'lastInspection',
    'membersUp',
    'members',
    'keys',
    'dbSizeBytes',
    'scene',
  ],
];

const allClusterColumns = [...clusterColumns, 'leader', 'product', 'spec', 'version'];

/** An SLI's bad share by region; a click narrows the dashboard to one. */
const ofRegions = (title: string, sli: string) =>
  sliPanel(title, sli, 'spec', ['region'], where).overrideByFieldType('number', linked(seriesToRegion));

export function tier1Overview() {
  return dashboard({
    title: 'etcd fleet: regions',
    uid: dashboardUids.overview,
    description: 'Tier 1. Every region of the fleet: who is hurt, and since when.',
    tag: 'tier-1',
  })
    .link(toBusiness())
    .link(toCustomers())
    .link(toPlatform())
    .link(toHosts())
    .link(toMonitoring())
    .withVariable(filterVariable('region', 'Region'))
    .withVariable(filterVariable('product', 'Product', { region: ['$region'] }))
    .withVariable(filterVariable('scene', 'Scene', { region: ['$region'], product: ['$product'] }))
    .withVariable(filterVariable('spec', 'Spec'))
    .withRow(row('Who is hurt now'))
    .withPanel(clustersBurning(where))
    .withPanel(
      answer(
        'Pages firing',
        'Alerts of the regions that page somebody, as Thanos rule knows them.',
        'none',
        anyIsBad
      ).withTarget(
        instant(`count(ALERTS{alertstate="firing",urgency="page",region=~"$region"}) or 0 * count(${expected})`)
      )
    )
    .withPanel(
      answer(
        'Kubernetes behind',
        'Kubernetes clusters whose API servers store in a cluster that burns.',
        'none',
        anyIsBad
      ).withTarget(
        instant(
          `sum(${kubernetesClusters} and on (region, cluster) ${burningClusters(where)}) or 0 * count(${expected})`
        )
      )
    )
    .withPanel(clustersNotSeen(where))
    .withPanel(worstNow(scope))
    .withPanel(
      budgetMatrix(
        'Error budget left by region',
        `What each region has left of its error budget of ${budgetWindow}, for each objective: its worst SLI decides.`,
        'region'
      )
        .height(6)
        .span(fullWidth)
        .withTarget(levels({ scope, level: 'region', limit: 1000 }))
    )
    .withRow(row('Service levels'))
    .withPanel(
      burnRatePanel(
        'Burn rate by region',
        `How many times too fast each region burns its error budget, over ${fastWindow}: its worst objective.`
      )
        .height(7)
        .span(fullWidth)
        .withTarget(range(burnRateOfGroups('spec', fastWindow, ['region'], where), '{{region}}'))
        .overrideByFieldType('number', linked(seriesToRegion))
    )
    .withPanel(
      levelsTable(
        'Scenes, worst first',
        'What burns now, then the least budget left; the first 50 of each region’s scenes.',
        ['region', 'product', 'scene']
      )
        .height(8)
        .withTarget(levels({ scope, level: 'scene', limit: 50 }))
        .overrideByName('product', [...column('product', 85), ...linked(rowToBusiness)])
        .overrideByName('scene', [...column('scene', 130), ...linked(rowToScene)])
    )
    .withPanel(worstObjectives(scope))
    .withRow(row('State of the clusters'))
    .withPanel(
      stat('Clusters', 'Clusters with at least one target.', 'none', neutral).withTarget(
        instant(`count(count by (region, cluster) (up{job="etcd",${where}}))`)
      )
    )
    .withPanel(
      stat('Without a leader', 'Clusters in which no member sees a leader.', 'none', anyIsBad).withTarget(
        instant(countOf(`max by (region, cluster) (etcd_server_has_leader{${where}})`, '== 0'))
      )
    )
    .withPanel(membersNotScraped(where))
    .withPanel(inspectionsFailed(where))
    .withPanel(
      stat(
        'Request errors',
        `Share of the requests of ${shortest} that failed by the service’s fault.`,
        'percentunit',
        [
          { color: 'green', value: null },
          { color: 'orange', value: 0.001 },
          { color: 'red', value: 0.01 },
        ]
      )
        .decimals(3)
        .withTarget(instant(badRatio('spec', shortest, ['sli'], `sli="request-errors",${where}`)))
    )
    .withPanel(
      stat(
        'Missing scrapes',
        `Share of the samples of ${shortest} that are missing: how far the other figures cannot be trusted.`,
        'percentunit',
        [
          { color: 'green', value: null },
          { color: 'orange', value: 0.0001 },
          { color: 'red', value: 0.001 },
        ]
      )
        .decimals(2)
        .withTarget(instant(badRatio('spec', shortest, ['sli'], `sli="scrapes",${where}`)))
    )
    .withPanel(
      showColumns(
        table(
          'Clusters, worst first',
          'The inventory with health, size and the worst inspection; the first 100.',
          'The inventory has no cluster of this scope.'
        )
          .height(9)
          .withTarget(clusters({ scope, limit: 100 }))
          .overrideByName('region', column('region', 60))
          .overrideByName('cluster', [{ id: 'custom.minWidth', value: 130 }, ...linked(rowToCluster)])
          .overrideByName('scene', [...column('scene', 110), ...linked(rowToScene)])
          .overrideByName('health', [...column('health', 90), ...colouredWords(healthColours)])
          .overrideByName('membersUp', column('up', 50))
          .overrideByName('members', column('of', 50))
          .overrideByName('keys', [...column('keys', 75), { id: 'unit', value: 'short' }])
          .overrideByName('dbSizeBytes', [...column('db size', 85), { id: 'unit', value: 'bytes' }])
          .overrideByName('inspection', [...column('worst inspection', 135), ...colouredWords(outcomeColours)])
          .overrideByName('lastInspection', ago('last inspection', 145)),
        allClusterColumns,
        clusterColumns,
        ['product', 'scene']
      )
    )
    .withPanel(
      inspectionsPanel(
        'Inspections, worst first',
        'The last run of every inspection; a button runs it again immediately.',
        ['region', 'cluster', 'check', 'outcome', 'lastRun', 'message', 'state']
      )
        .height(9)
        .withTarget(inspections({ scope, limit: 100 }))
    )
    .withRow(row('SLIs by region'))
    .withPanel(ofRegions('Without a leader', 'leader'))
    .withPanel(ofRegions('Request errors', 'request-errors'))
    .withPanel(ofRegions('Missing scrapes', 'scrapes'))
    .withPanel(ofRegions('Slow reads', 'read-latency'))
    .withPanel(ofRegions('Slow writes', 'txn-latency'))
    .withPanel(ofRegions('Slow WAL fsyncs', 'wal-fsync'))
    .withRow(row('Inspections'))
    .withPanel(
      timeseries(
        'Inspection coverage by region',
        'Share of the wanted inspections that have a result not older than two intervals.',
        'percentunit'
      )
        .axisSoftMin(0.9)
        .max(1)
        .withTarget(range(coverageRatio(['region'], where), '{{region}}'))
    )
    .withPanel(
      table(
        'Inspection coverage by check',
        'Inspections whose result counts, of those that there are; the worst first.',
        'No inspection is known: is cruiser scraped?'
      )
        .height(8)
        .span(8)
        .withTarget(instant(`sort(avg by (check) (etcd_inspection_fresh{${where}}))`, 'coverage'))
        .overrideByName('coverage', [...column('coverage', 110), ...share(1)])
    )
    .withPanel(
      timeseries('Inspection outcomes', 'Inspections by the outcome of their last run.', 'none')
        .min(0)
        .decimals(0)
        .withTarget(range(`sum by (outcome) (etcd_inspection_outcome{${where}})`, '{{outcome}}'))
    );
}
