// For a customer with clusters of its own: do they keep what was promised, and have they room to grow? It names no hosts,
// members or other internals, so that a datasource with a fixed scope answers all of it.
import { remainingBudget } from '../../slo/generate/series.ts';
import { dashboardUids } from '../../src/ids.ts';
import { nearQuota } from './capacity.ts';
import { dashboard } from './dashboard.ts';
import {
  ago,
  anyIsBad,
  column,
  colouredWords,
  fullWidth,
  healthColours,
  outcomeColours,
  row,
  showColumns,
  stat,
  table,
  timeseries,
  withLine,
} from './panels.ts';
import { clusters, countOf, inspections, instant, range } from './queries.ts';
import { quantile, requestErrorRatio, requestLatency } from './sli.ts';
import { budgetWindow, burningClusters, levels, levelsTable } from './slo.ts';
import { filterVariable } from './variables.ts';

const where = 'region=~"$region",cluster=~"$cluster"';
const scope = { region: ['$region'], cluster: ['$cluster'] };
const kv = `grpc_service="etcdserverpb.KV",${where}`;

/** Cluster names are unique within a region only. */
const byCluster = 'region, cluster';
const legend = '{{region}} {{cluster}}';

const budgets = `min by (${byCluster}, objective) (${remainingBudget(budgetWindow)}{${where}})`;
const size = `max by (${byCluster}) (etcd_mvcc_db_total_size_in_bytes{${where}})`;
const quotaUsed = `max by (${byCluster}) (etcd_mvcc_db_total_size_in_bytes{${where}} / (etcd_server_quota_backend_bytes{${where}} > 0))`;
const secondsOfDay = 24 * 60 * 60;

const clusterColumns = [
  ...['region', 'cluster', 'health', 'spec', 'version', 'keys', 'dbSizeBytes', 'inspection', 'lastInspection'],
];
/** Some are there for those who run the clusters only. */
const otherClusterColumns = ['product', 'scene', 'membersUp', 'members', 'leader'];

const inspectionColumns = ['region', 'cluster', 'check', 'outcome', 'lastRun', 'nextRun'];
const otherInspectionColumns = [
  ...['product', 'scene', 'spec', 'state', 'duration', 'message', 'request', 'answeredRequest', 'requestedBy'],
  ...['blocked', 'history'],
];

/** One of the answers at the top. */
const answer = (...args: Parameters<typeof stat>) =>
  stat(...args)
    .height(3)
    .span(fullWidth / 3);

export function customer() {
  return dashboard({
    title: 'etcd fleet: customer',
    uid: dashboardUids.customer,
    description:
      'For a customer: whether its clusters keep what was promised, and have room to grow. Names no internals.',
    tag: 'tier-2',
    from: 'now-6h',
  })
    .withVariable(filterVariable('region', 'Region'))
    .withVariable(filterVariable('cluster', 'Cluster', { region: ['$region'] }))
    .withRow(row('Are the clusters well?'))
    .withPanel(
      answer(
        'Objectives missed',
        `Objectives of clusters whose error budget of ${budgetWindow} is spent.`,
        'none',
        anyIsBad
      ).withTarget(instant(countOf(budgets, '< 0')))
    )
    .withPanel(
      answer(
        'Clusters disturbed now',
        'Clusters that spend an error budget so fast that somebody is called.',
        'none',
        anyIsBad
      ).withTarget(instant(`count(${burningClusters(where)}) or 0 * count(${budgets})`))
    )
    .withPanel(
      answer('Least free quota', 'What the fullest cluster has left of its quota.', 'percentunit', [
        { color: 'red', value: null },
        { color: 'orange', value: 0.15 },
        { color: 'green', value: 0.25 },
      ])
        .decimals(1)
        .withTarget(instant(`1 - max(${quotaUsed})`))
    )
    .withPanel(
      showColumns(
        table(
          'Clusters',
          'Each cluster, the worst first: Healthy, Degraded (it works, and would not survive another failure), Unhealthy (it cannot be written), or Unknown.',
          'There is no cluster of this choice.'
        )
          .height(6)
          .withTarget(clusters({ scope, limit: 100 }))
          .overrideByName('region', column('region', 70))
          .overrideByName('cluster', [{ id: 'custom.minWidth', value: 140 }])
          .overrideByName('health', [...column('health', 95), ...colouredWords(healthColours)])
          .overrideByName('spec', column('class', 80))
          .overrideByName('version', column('version', 80))
          .overrideByName('keys', [...column('keys', 80), { id: 'unit', value: 'short' }])
          .overrideByName('dbSizeBytes', [...column('size', 90), { id: 'unit', value: 'bytes' }])
          .overrideByName('inspection', [...column('inspection', 95), ...colouredWords(outcomeColours)])
          .overrideByName('lastInspection', ago('last inspection', 145)),
        [...clusterColumns, ...otherClusterColumns],
        clusterColumns
      )
    )
    .withPanel(
      levelsTable(
        'Objectives',
        `What is promised for each cluster, availability and latency, and what is left of its error budgets of ${budgetWindow}.`,
        ['region', 'cluster']
      )
        .height(8)
        .withTarget(levels({ scope, level: 'cluster', limit: 100 }))
    )
    .withRow(row('Size and growth'))
    .withPanel(
      timeseries('Size', 'The database of each cluster, as large as its largest copy.', 'bytes')
        .min(0)
        .withTarget(range(size, legend))
    )
    .withPanel(
      timeseries(
        'Growth',
        'By how much the data in use grows a day, from its trend over six hours; below zero it shrinks.',
        'bytes'
      )
        .axisLabel('per day')
        .withTarget(
          range(
            `${secondsOfDay} * max by (${byCluster}) (deriv(etcd_mvcc_db_total_size_in_use_in_bytes{${where}}[6h]))`,
            legend
          )
        )
    )
    .withPanel(
      withLine(
        timeseries(
          'Quota used',
          'Size as a share of the quota; at 100 % a cluster refuses writes. Above the line, plan for more.',
          'percentunit'
        )
          .min(0)
          .max(1),
        nearQuota,
        'orange'
      ).withTarget(range(quotaUsed, legend))
    )
    .withRow(row('Requests'))
    .withPanel(
      timeseries('Requests', 'Reads and writes of each cluster.', 'reqps')
        .min(0)
        .withTarget(range(`sum by (${byCluster}) (rate(grpc_server_handled_total{${kv}}[$__rate_interval]))`, legend))
    )
    .withPanel(
      timeseries('Request errors', 'Share of requests that failed by the service’s fault.', 'percentunit')
        .min(0)
        .axisSoftMax(0.001)
        .withTarget(range(requestErrorRatio(byCluster, where), legend))
    )
    .withPanel(
      timeseries(
        'Request latency, p99',
        'The time within which 99 of 100 reads and writes are answered; needs extensive metrics at the members.',
        's'
      )
        .min(0)
        .withTarget(range(quantile(0.99, requestLatency, byCluster, kv), legend))
    )
    .withRow(row('Inspections'))
    .withPanel(
      showColumns(
        table(
          'Inspections, worst first',
          'What the regular checks of each cluster found last.',
          'No inspection of these clusters is known.'
        )
          .height(8)
          .withTarget(inspections({ scope, limit: 100 }))
          .overrideByName('region', column('region', 70))
          .overrideByName('outcome', [...column('outcome', 120), ...colouredWords(outcomeColours)])
          .overrideByName('lastRun', ago('last run', 145))
          .overrideByName('nextRun', ago('next run', 145)),
        [...inspectionColumns, ...otherInspectionColumns],
        inspectionColumns
      )
    );
}
