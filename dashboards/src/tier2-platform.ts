// Tier 2, platform: what is due? Upgrades, certificates, backups, quotas, and inspections that nobody runs.
import type { Threshold } from '@grafana/grafana-foundation-sdk/dashboard';
import { capacity, groupCapacity } from '../../slo/generate/capacity.ts';
import { coverage, coverageRatio } from '../../slo/generate/coverage.ts';
import { dashboardUids } from '../../src/ids.ts';
import { bytes, clusterCount, days, facts } from './capacity.ts';
import { dashboard } from './dashboard.ts';
import { factsTable, rankingTable } from './facts.ts';
import { toBusiness, toCustomers, toMonitoring, toOverview } from './links.ts';
import {
  answer,
  coloured,
  fullWidth,
  greenUntilOne,
  inspectionsPanel,
  nearlyAllOrNothing,
  neutral,
  noData,
  row,
  share,
  timeseries,
} from './panels.ts';
import { countOf, inspections, instant, range } from './queries.ts';
import { notRecorded } from './slo.ts';
import { filterVariable } from './variables.ts';

const where = 'region=~"$region",product=~"$product",scene=~"$scene",spec=~"$spec"';
const scope = { region: ['$region'], product: ['$product'], scene: ['$scene'], spec: ['$spec'] };

const cluster = 'region, cluster';

/** Clusters whose last run of a check found something; nothing when it never ran. */
const found = (check: string) =>
  `count(etcd_inspection_outcome{check="${check}",outcome=~"Warning|Failed",${where}} == 1) or 0 * count(etcd_inspection_outcome{check="${check}",${where}})`;

const due = (title: string, description: string, check: string) =>
  answer(title, description, 'none', greenUntilOne('orange'))
    .noValue('not inspected')
    .withTarget(instant(found(check)));

/** When the last runs of a check ended: what they measured has become older since. */
const lastRun = (check: string) => `etcd_inspection_last_run_timestamp_seconds{check="${check}",${where}}`;

/** Days until the first certificate of each cluster ends. */
const daysOfCertificates = `(min by (${cluster}) (${lastRun('certificate-expiry')} + etcd_inspection_certificate_expiry_seconds{${where}}) - time()) / 86400`;

/** Seconds since the newest usable backup of each cluster that has one. */
const ageOfBackups = `time() - max by (${cluster}) (${lastRun('backup-age')} - etcd_inspection_backup_age_seconds{${where}})`;
const youngBackups = `max by (${cluster}) (etcd_inspection_backups{${where}})`;

const versionsOf = (by: string) => `count by (${by}) (${capacity.versions}{${where}})`;
const membersBy = (by: string) => `sum by (${by}) (${groupCapacity.versions}{${where}})`;

const changes = `max by (${cluster}) (etcd_inspection_member_changes{${where}})`;

/** Inspections whose result counts, by check. */
const freshByCheck = `sum by (check) (${coverage.fresh}{${where}})`;

/** Inspections of a check by the outcome of their last run, also where there is none of these. */
const withOutcome = (outcomes: string) =>
  `sum by (check) (etcd_inspection_outcome{outcome=~"${outcomes}",${where}}) or 0 * ${freshByCheck}`;

/** Days: where the check certificate-expiry warns and fails by default. */
const certificateSteps: Threshold[] = [
  { color: 'red', value: null },
  { color: 'orange', value: 3 },
  { color: 'text', value: 30 },
];

const redWithoutOne: Threshold[] = [
  { color: 'red', value: null },
  { color: 'text', value: 1 },
];

export function tier2Platform() {
  return dashboard({
    title: 'etcd fleet: platform',
    uid: dashboardUids.platform,
    description: 'Tier 2. What is due on the platform: upgrades, certificates, backups, quotas, inspections.',
    tag: 'tier-2',
    from: 'now-24h',
  })
    .link(toOverview())
    .link(toBusiness())
    .link(toCustomers())
    .link(toMonitoring())
    .withVariable(filterVariable('region', 'Region'))
    .withVariable(filterVariable('product', 'Product', { region: ['$region'] }))
    .withVariable(filterVariable('scene', 'Scene', { region: ['$region'], product: ['$product'] }))
    .withVariable(filterVariable('spec', 'Spec'))
    .withRow(row('What is due'))
    .withPanel(
      answer('Mixed versions', 'Clusters with members of several versions: an upgrade is under way.', 'none', [
        ...neutral,
        { color: 'blue', value: 1 },
      ])
        .noValue('not recorded')
        .withTarget(instant(countOf(`(${versionsOf('region, cluster')})`, '> 1')))
    )
    .withPanel(due('Certificates due', 'Clusters whose check certificate-expiry warns or fails.', 'certificate-expiry'))
    .withPanel(due('Backups due', 'Clusters whose check backup-age warns or fails.', 'backup-age'))
    .withPanel(
      answer(
        'Inspection coverage',
        'Share of the wanted inspections that have a result not older than two intervals: how far the others can be trusted.',
        'percentunit',
        [
          { color: 'orange', value: null },
          { color: 'green', value: 0.99 },
        ]
      )
        .decimals(1)
        .mappings([noData, ...nearlyAllOrNothing(1)])
        .noValue('not recorded')
        .withTarget(instant(coverageRatio([], where)))
    )
    .withPanel(
      factsTable({
        title: 'Versions',
        description: 'What members run, by their own word.',
        empty: notRecorded,
        labels: ['server_version'],
        rows: membersBy('server_version'),
        facts: [
          { name: 'clusters', expr: versionsOf('server_version'), width: 90 },
          { name: 'members', expr: membersBy('server_version'), width: 90 },
          {
            name: 'of members',
            expr: `${membersBy('server_version')} / on () group_left () sum(${groupCapacity.versions}{${where}})`,
            width: 100,
            config: share(1),
          },
        ],
        sortBy: 'members',
      })
        .height(6)
        .span(fullWidth / 2)
    )
    .withPanel(
      factsTable({
        title: 'Upgrades and restarts under way',
        description:
          'Clusters with members of several versions, or whose members have just restarted: the check health-after-change follows them up. The first 20.',
        empty: 'No cluster is known to have members of several versions or that have just restarted.',
        labels: ['region', 'cluster'],
        rows: `topk(20, ${versionsOf(cluster)} > 1 or ${changes} > 0)`,
        facts: [
          { name: 'versions', expr: versionsOf(cluster), width: 80 },
          { name: 'changes', expr: changes, width: 80 },
        ],
        sortBy: 'versions',
      })
        .height(6)
        .span(fullWidth / 2)
    )
    .withPanel(
      rankingTable({
        title: 'Certificates that end first',
        description: 'The first certificate of a cluster that ends: of a member, an authority or the Secret.',
        empty: 'No certificate is known: clusters without TLS have none, the others need the check certificate-expiry.',
        labels: ['region', 'cluster'],
        fact: {
          name: 'ends in',
          expr: daysOfCertificates,
          width: 90,
          config: [...days, ...coloured(certificateSteps, 'color-text')],
        },
        smallestFirst: true,
      })
        .height(6)
        .span(fullWidth / 2)
    )
    .withPanel(
      factsTable({
        title: 'Backups, fewest first',
        description:
          'The age of the newest usable backup, none for a dash, and how many backups are young enough by the policy. The first 20.',
        empty: 'No backup is inspected: enable the check backup-age in a policy, with the location of the backups.',
        labels: ['region', 'cluster'],
        rows: `topk(20, ${ageOfBackups} or Inf + ${youngBackups})`,
        facts: [
          { name: 'newest', expr: ageOfBackups, width: 90, config: [{ id: 'unit', value: 's' }] },
          {
            name: 'young',
            expr: youngBackups,
            width: 70,
            config: coloured(redWithoutOne, 'color-text'),
          },
        ],
        sortBy: 'young',
        smallestFirst: true,
      })
        .height(6)
        .span(fullWidth / 2)
    )
    .withRow(row('Classes and inspections'))
    .withPanel(
      factsTable({
        title: 'Classes and quotas',
        description: 'Of each class: its clusters, the smallest and the largest quota, and the fullest database.',
        empty: 'The inventory has no cluster of this scope, or the rules of rules/recording are not loaded.',
        labels: ['spec'],
        rows: clusterCount('spec', where),
        facts: [
          facts.clusters('spec', where),
          { name: 'quota from', expr: `min by (spec) (${capacity.quota}{${where}})`, width: 95, config: bytes },
          { name: 'to', expr: `max by (spec) (${capacity.quota}{${where}})`, width: 85, config: bytes },
          facts.fullest('spec', where),
        ],
        sortBy: 'clusters',
      })
        .height(7)
        .span(fullWidth / 2)
    )
    .withPanel(
      factsTable({
        title: 'Inspection coverage by check',
        description:
          'Inspections whose result counts, of those that there are, and what the last runs found; the worst first.',
        empty: 'No inspection is known: is cruiser scraped?',
        labels: ['check'],
        rows: freshByCheck,
        facts: [
          {
            name: 'coverage',
            expr: `${freshByCheck} / count by (check) (etcd_inspection_fresh{${where}})`,
            width: 90,
            config: share(1),
          },
          { name: 'found', expr: withOutcome('Warning|Failed'), width: 70 },
          { name: 'errors', expr: withOutcome('Error'), width: 70 },
        ],
        sortBy: 'coverage',
        smallestFirst: true,
      })
        .height(7)
        .span(fullWidth / 2)
    )
    .withPanel(
      inspectionsPanel(
        'What inspections of the platform found, worst first',
        'Last runs that warn, fail or could not be done; a button runs one again immediately.',
        ['region', 'cluster', 'check', 'outcome', 'lastRun', 'message', 'state']
      )
        .height(9)
        .withTarget(
          inspections({
            scope,
            checks: [
              'certificate-expiry',
              'backup-age',
              'health-after-change',
              'membership',
              'quota-and-fragmentation',
            ],
            outcomes: ['Warning', 'Failed', 'Error'],
            limit: 100,
          })
        )
    )
    .withRow(row('Since when'))
    .withPanel(
      timeseries('Members by version', 'How far upgrades have come.', 'none')
        .min(0)
        .decimals(0)
        .axisLabel('members')
        .noValue(notRecorded)
        .span(fullWidth / 2)
        .withTarget(range(membersBy('server_version'), '{{server_version}}'))
    )
    .withPanel(
      timeseries(
        'Inspection coverage by region',
        'Share of the wanted inspections that have a result not older than two intervals.',
        'percentunit'
      )
        .axisSoftMin(0.9)
        .max(1)
        .noValue(notRecorded)
        .span(fullWidth / 2)
        .withTarget(range(coverageRatio(['region'], where), '{{region}}'))
    );
}
