// Tier 1: all regions on one page. Who is hurt?
import { DashboardBuilder, DashboardCursorSync } from '@grafana/grafana-foundation-sdk/dashboard';
import { rowToCluster, seriesToRegion, uids } from './links.ts';
import {
  anyIsBad,
  column,
  colouredWords,
  fullWidth,
  healthColours,
  inspectionsPanel,
  neutral,
  outcomeColours,
  row,
  stat,
  table,
  timeseries,
} from './panels.ts';
import { clusters, inspections, instant, range } from './queries.ts';
import {
  backendCommit,
  hasLeaderRatio,
  quantile,
  requestErrorRatio,
  requestLatency,
  scrapeSuccessRatio,
  walFsync,
} from './sli.ts';
import { datasourceVariable, filterVariable } from './variables.ts';

const where = 'region=~"$region",product=~"$product",scene=~"$scene",spec=~"$spec"';
const scope = { region: ['$region'], product: ['$product'], scene: ['$scene'], spec: ['$spec'] };

/** What matters first stands first: a narrow screen shows no more. */
const clusterColumns = [
  ...['region', 'cluster', 'health', 'inspection', 'lastInspection', 'membersUp', 'members', 'leader', 'keys'],
  ...['dbSizeBytes', 'product', 'scene', 'spec', 'version'],
];

const inOrder = (names: string[]) => Object.fromEntries(names.map((name, index) => [name, index]));

export function tier1Overview() {
  return new DashboardBuilder('etcd fleet: regions')
    .uid(uids.overview)
    .description('Every region of the fleet: who is hurt, and since when.')
    .tags(['etcd-fleet', 'tier-1'])
    .tooltip(DashboardCursorSync.Crosshair)
    .time({ from: 'now-1h', to: 'now' })
    .refresh('30s')
    .withVariable(datasourceVariable())
    .withVariable(filterVariable('region', 'Region'))
    .withVariable(filterVariable('product', 'Product', { region: ['$region'] }))
    .withVariable(filterVariable('scene', 'Scene', { region: ['$region'], product: ['$product'] }))
    .withVariable(filterVariable('spec', 'Spec'))
    .withRow(row('Who is hurt'))
    .withPanel(
      stat('Clusters', 'Clusters with at least one target.', 'none', neutral).withTarget(
        instant(`count(count by (region, cluster) (up{job="etcd",${where}}))`)
      )
    )
    .withPanel(
      stat('Without a leader', 'Clusters in which no member sees a leader.', 'none', anyIsBad).withTarget(
        instant(`count(max by (region, cluster) (etcd_server_has_leader{${where}}) == 0) or vector(0)`)
      )
    )
    .withPanel(
      stat('Members down', 'Members whose last scrape failed.', 'none', anyIsBad).withTarget(
        instant(`count(up{job="etcd",${where}} == 0) or vector(0)`)
      )
    )
    .withPanel(
      stat('Inspections failed', 'Inspections whose last run found a fault.', 'none', anyIsBad).withTarget(
        instant(`sum(etcd_inspection_outcome{outcome="Failed",${where}}) or vector(0)`)
      )
    )
    .withPanel(
      stat('Request errors', 'Share of unary gRPC requests that failed by the service’s fault.', 'percentunit', [
        { color: 'green', value: null },
        { color: 'orange', value: 0.001 },
        { color: 'red', value: 0.01 },
      ])
        .decimals(3)
        .withTarget(instant(requestErrorRatio('job', where)))
    )
    .withPanel(
      stat(
        'Scrape success',
        'Share of scrapes that succeeded: how far the other figures can be trusted.',
        'percentunit',
        [
          { color: 'red', value: null },
          { color: 'orange', value: 0.999 },
          { color: 'green', value: 0.9999 },
        ]
      )
        .decimals(2)
        .withTarget(instant(scrapeSuccessRatio('job', where)))
    )
    .withPanel(
      table('Clusters, worst first', 'The inventory with health, size and the worst inspection; the first 100.')
        .height(9)
        .withTarget(clusters({ scope, limit: 100 }))
        .filterable(true)
        .withTransformation({ id: 'organize', options: { indexByName: inOrder(clusterColumns) } })
        .overrideByName('region', column('region', 90))
        .overrideByName('cluster', [...column('cluster', 200), { id: 'links', value: [rowToCluster] }])
        .overrideByName('product', column('product', 110))
        .overrideByName('scene', column('scene', 140))
        .overrideByName('spec', column('spec', 100))
        .overrideByName('health', [...column('health', 120), ...colouredWords(healthColours)])
        .overrideByName('membersUp', column('up', 70))
        .overrideByName('members', column('members', 100))
        .overrideByName('leader', column('leader', 200))
        .overrideByName('keys', [...column('keys', 100), { id: 'unit', value: 'short' }])
        .overrideByName('dbSizeBytes', [...column('db size', 110), { id: 'unit', value: 'bytes' }])
        .overrideByName('version', [{ id: 'displayName', value: 'version' }])
        .overrideByName('inspection', [...column('worst inspection', 160), ...colouredWords(outcomeColours)])
        .overrideByName('lastInspection', [...column('last inspection', 150), { id: 'unit', value: 'dateTimeFromNow' }])
    )
    .withPanel(
      inspectionsPanel(
        'Inspections, worst first',
        'The last run of every inspection; a button runs it again at once.',
        ['region', 'cluster', 'check', 'outcome', 'lastRun', 'message', 'state']
      )
        .height(9)
        .withTarget(inspections({ scope, limit: 100 }))
    )
    .withRow(row('Service levels by region'))
    .withPanel(
      timeseries('Members with a leader', 'Share of members that see a leader.', 'percentunit')
        .max(1)
        .axisSoftMin(0.99)
        .withTarget(range(hasLeaderRatio('region', where), '{{region}}'))
        .overrideByFieldType('number', [{ id: 'links', value: [seriesToRegion] }])
    )
    .withPanel(
      timeseries('Request errors', 'Share of unary gRPC requests that failed by the service’s fault.', 'percentunit')
        .min(0)
        .axisSoftMax(0.001)
        .withTarget(range(requestErrorRatio('region', where), '{{region}}'))
        .overrideByFieldType('number', [{ id: 'links', value: [seriesToRegion] }])
    )
    .withPanel(
      timeseries('Scrape success', 'Share of scrapes that succeeded.', 'percentunit')
        .max(1)
        .axisSoftMin(0.99)
        .withTarget(range(scrapeSuccessRatio('region', where), '{{region}}'))
    )
    .withPanel(
      timeseries(
        'Request latency, p99',
        'Unary gRPC requests, 99th percentile; only members with extensive metrics report it.',
        's'
      )
        .min(0)
        .withTarget(range(quantile(0.99, requestLatency, 'region', `grpc_type="unary",${where}`), '{{region}}'))
        .overrideByFieldType('number', [{ id: 'links', value: [seriesToRegion] }])
    )
    .withPanel(
      timeseries('WAL fsync, p99', 'Time to make the write-ahead log durable; recommended below 10 ms.', 's')
        .min(0)
        .withTarget(range(quantile(0.99, walFsync, 'region', where), '{{region}}'))
        .overrideByFieldType('number', [{ id: 'links', value: [seriesToRegion] }])
    )
    .withPanel(
      timeseries('Backend commit, p99', 'Time to commit to the backend file; recommended below 25 ms.', 's')
        .min(0)
        .withTarget(range(quantile(0.99, backendCommit, 'region', where), '{{region}}'))
        .overrideByFieldType('number', [{ id: 'links', value: [seriesToRegion] }])
    )
    .withRow(row('Inspections'))
    .withPanel(
      timeseries('Inspection outcomes', 'Inspections by the outcome of their last run.', 'none')
        .min(0)
        .decimals(0)
        .span(fullWidth)
        .withTarget(range(`sum by (outcome) (etcd_inspection_outcome{${where}})`, '{{outcome}}'))
    );
}
