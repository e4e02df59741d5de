// The alerts about the measuring itself: what the rules do not see, and rules that do not run.
import { formatDuration } from '../model/duration.ts';
import type { Deployment, Model } from '../model/model.ts';
import { fleetLinks, regionLinks } from './alert-links.ts';
import { coverage, coverageRatio } from './coverage.ts';
import { lastReport, reportingRegions } from './global.ts';
import { blindSpots } from './inventory.ts';
import { maxBy, on, sumBy } from './promql.ts';
import type { AlertingRule } from './rules.ts';
import { events, firstTile } from './series.ts';
import { burnRateWindows, timingOf } from './timing.ts';

/** The share of a region's inspections that may be without a result. */
const maxStaleInspections = 0.01;

/** Seconds without a report after which a region is silent. */
const silentAfter = 300;

/** When the oldest sample of each Prometheus was taken, by its own metric. */
const oldestSample = maxBy(['prometheus'], 'prometheus_tsdb_lowest_timestamp_seconds');

export function healthAlerts(model: Model, deployment: Deployment): AlertingRule[] {
  const shortest = formatDuration(burnRateWindows(model)[0]);
  const sloGroups = 'rule_group=~".*;etcd-(?:slo|inspection)-.*"';
  const failures = (metric: string) =>
    `${sumBy(['prometheus', 'rule_group'], `increase(${metric}{${sloGroups}}[10m])`)} > 0`;
  const { tile, tileLookback } = timingOf(deployment);
  const notLoaded = (program: string) => `min by (prometheus, job) (${program}_config_last_reload_successful) == 0`;
  return [
    {
      alert: 'EtcdTargetsMissing',
      expr: `${maxBy(['region'], blindSpots.membersWithoutTarget)} > 0`,
      for: '10m',
      labels: { severity: 'warning', urgency: 'ticket', objective: 'data-quality' },
      annotations: {
        summary: `{{ $labels.region }}: {{ $value }} members of the inventory are not scraped`,
        description: `In {{ $labels.region }} {{ $value }} members that the inventory wants have no scrape target, so nothing is known of them. Their clusters' data-quality burns.`,
        ...regionLinks('EtcdTargetsMissing', deployment),
      },
    },
    {
      alert: 'EtcdInventoryMissing',
      expr: `${maxBy(['region'], blindSpots.clustersWithoutInventory)} > 0`,
      for: '10m',
      labels: { severity: 'warning', urgency: 'ticket', objective: 'data-quality' },
      annotations: {
        summary: `{{ $labels.region }}: {{ $value }} clusters are not in the inventory`,
        description: `In {{ $labels.region }} {{ $value }} clusters are scraped for which the operator exports no etcdfleet_cluster_members. A member of theirs that vanishes would not be missed.`,
        ...regionLinks('EtcdInventoryMissing', deployment),
      },
    },
    {
      alert: 'EtcdClustersWithoutObjective',
      expr: `${maxBy(['region'], blindSpots.clustersWithoutObjective)} > 0`,
      for: '10m',
      labels: { severity: 'warning', urgency: 'ticket', objective: 'data-quality' },
      annotations: {
        summary: `{{ $labels.region }}: {{ $value }} clusters have no objective`,
        description: `In {{ $labels.region }} {{ $value }} clusters have a spec that is no class of slo/definitions/classes.yaml. Nothing is promised to them and no alert watches them.`,
        ...regionLinks('EtcdClustersWithoutObjective', deployment),
      },
    },
    {
      alert: 'EtcdInspectionsStale',
      expr: `1 - ${coverageRatio(['region'])} > ${maxStaleInspections}`,
      for: '30m',
      labels: { severity: 'warning', urgency: 'ticket' },
      annotations: {
        summary: `{{ $labels.region }}: {{ $value | humanizePercentage }} of the inspections have no result that counts`,
        description: `In {{ $labels.region }} {{ $value | humanizePercentage }} of the inspections that the policies want were not done within two intervals, or could not be done. What they look for would not be found.`,
        ...regionLinks('EtcdInspectionsStale', deployment),
      },
    },
    {
      alert: 'EtcdInspectionsUnwatched',
      expr: `${maxBy(['region'], reportingRegions)} unless ${on(['region'])} ${sumBy(['region'], coverage.expected)}`,
      for: '30m',
      labels: { severity: 'warning', urgency: 'ticket' },
      annotations: {
        summary: `{{ $labels.region }}: nothing is known of the inspections`,
        description: `{{ $labels.region }} reports SLOs and records no coverage of inspections: no policy wants any and cruiser exposes none, or the group etcd-inspection-coverage is not evaluated.`,
        ...regionLinks('EtcdInspectionsUnwatched', deployment),
      },
    },
    {
      alert: 'EtcdSLOHistoryShort',
      // Days of samples that are there, where there were older ones.
      expr: [
        `(time() - ${oldestSample}) / 86400 < ${model.window / 86400}`,
        `and ${on(['prometheus'])}`,
        `${oldestSample} - ${maxBy(['prometheus'], `last_over_time(${firstTile}[${tileLookback}])`)} > ${2 * tile}`,
      ].join('\n'),
      for: '1h',
      labels: { severity: 'warning', urgency: 'ticket' },
      annotations: {
        summary: `{{ $labels.prometheus }} keeps only {{ $value | humanize }} days of history`,
        description: `The Prometheus of {{ $labels.prometheus }} has deleted older samples. Error budgets are over ${formatDuration(model.window)}, so what is left of them is an estimate from {{ $value | humanize }} days. Raise --storage.tsdb.retention.time, and --storage.tsdb.retention.size if it is set.`,
        ...fleetLinks('EtcdSLOHistoryShort', deployment),
      },
    },
    {
      alert: 'EtcdSLORegionSilent',
      // Until the region reports again, or its budgets' window has passed.
      expr: `(time() - ${maxBy(['region'], lastReport)} > ${silentAfter}) < ${model.window}`,
      labels: { severity: 'critical', urgency: 'page' },
      annotations: {
        summary: `{{ $labels.region }}: the SLOs of this region have fallen silent`,
        description: `{{ $labels.region }} recorded SLOs and does not now. Its Prometheus, the Thanos sidecar or the way between them is down; no alert about its clusters can fire.`,
        ...regionLinks('EtcdSLORegionSilent', deployment),
      },
    },
    {
      alert: 'EtcdSLORulesAbsent',
      expr: `absent(${events('region', shortest)})`,
      for: '5m',
      labels: { severity: 'critical', urgency: 'page' },
      annotations: {
        summary: 'No region records SLOs',
        description:
          'Thanos rule sees no recorded SLO of any region: either no Prometheus has loaded the rules, or Thanos query answers nothing. No SLO alert can fire.',
        ...fleetLinks('EtcdSLORulesAbsent', deployment),
      },
    },
    {
      alert: 'EtcdSLORulesNotLoaded',
      expr: ['prometheus', 'thanos_rule'].map(notLoaded).join('\nor\n'),
      for: '10m',
      labels: { severity: 'warning', urgency: 'ticket' },
      annotations: {
        summary: `{{ $labels.job }} of {{ $labels.prometheus }} could not load its configuration`,
        description: `The last reload of {{ $labels.job }} at {{ $labels.prometheus }} failed. It evaluates the rules that it had before: a change of the definitions is not in force.`,
        ...fleetLinks('EtcdSLORulesNotLoaded', deployment),
      },
    },
    {
      alert: 'EtcdSLORulesFailing',
      expr: `${failures('prometheus_rule_evaluation_failures_total')}\nor\n${failures('prometheus_rule_group_iterations_missed_total')}`,
      for: '5m',
      labels: { severity: 'warning', urgency: 'ticket' },
      annotations: {
        summary: `SLO rules of {{ $labels.prometheus }} fail or come late`,
        description: `The group {{ $labels.rule_group }} of {{ $labels.prometheus }} failed or was left out {{ $value | humanize }} times within 10m. What it records is missing or late.`,
        ...fleetLinks('EtcdSLORulesFailing', deployment),
      },
    },
  ];
}
