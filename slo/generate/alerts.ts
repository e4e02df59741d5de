// The alerts of Thanos rule: one for each burn rate, for all clusters and objectives at once, and those about the data.
// docs/runbooks.md has a section for each.
import { formatDuration } from '../model/duration.ts';
import type { BurnRate, Deployment, Model } from '../model/model.ts';
import type { Urgency } from '../model/schema.ts';
import { coverageRatio } from './coverage.ts';
import { reportingRegions } from './global.ts';
import { blindSpots } from './inventory.ts';
import { maxBy, sumBy } from './promql.ts';
import type { AlertingRule, RuleFile, RuleGroup } from './rules.ts';
import { burnRate, clusterLabels, events, remainingBudget, severity } from './series.ts';
import { burnRateWindows, keepFiring, timingOf } from './timing.ts';

/** Groups whose answer may lack a region: the others' alerts must not wait for it. */
const withoutRegion = 'warn';

/** The share of a region's inspections that may be without a result. */
const maxStaleInspections = 0.01;

export function alertRules(model: Model, deployment: Deployment): RuleFile {
  const { step, slow } = timingOf(deployment);
  const burning = (urgency: Urgency) =>
    model.burnRates
      .filter((burnRate) => burnRate.urgency === urgency)
      .map((burnRate) => burnRateAlert(burnRate, model, deployment));
  const group = (name: string, interval: string, rules: AlertingRule[]): RuleGroup => {
    return { name, interval, partial_response_strategy: withoutRegion, rules };
  };
  return {
    groups: [
      group('etcd-slo-page', step, [...burning('page'), manyClustersAlert(model, deployment)]),
      group('etcd-slo-ticket', slow, [...burning('ticket'), exhaustedAlert(model, deployment)]),
      group('etcd-slo-health', step, healthAlerts(model, deployment)),
    ],
  };
}

function burnRateAlert(rate: BurnRate, { window }: Model, deployment: Deployment): AlertingRule {
  const [short, long] = [formatDuration(rate.short), formatDuration(rate.long)];
  const alert = burnRateAlertName(rate.name);
  return {
    alert,
    expr: withSeverity(tooFast(rate), rate.urgency),
    keep_firing_for: formatDuration(keepFiring),
    labels: { urgency: rate.urgency },
    annotations: {
      summary: `{{ $labels.cluster }}: {{ $labels.objective }} burns its error budget {{ $value | humanize }} times too fast`,
      description:
        `The {{ $labels.spec }} cluster {{ $labels.cluster }} in {{ $labels.region }} ({{ $labels.product }}, {{ $labels.scene }}) ` +
        `has burnt the error budget of {{ $labels.objective }} more than ${rate.factor} times too fast over ${long} and over ${short}: ` +
        `more than ${rate.budget} % of the budget of ${formatDuration(window)} went within ${long}.`,
      ...clusterLinks(alert, long, deployment),
    },
  };
}

/** The clusters and objectives that burn faster than the alert allows. */
function tooFast({ short, long, factor }: BurnRate): string {
  const above = (window: number) =>
    `${maxBy([...clusterLabels, 'objective'], burnRate(formatDuration(window)))} > ${factor}`;
  return `${above(short)}\n  and\n  ${above(long)}`;
}

/**
 * One alert for what hits many clusters of a region at once. Theirs fire as well, and Alertmanager holds them back: what
 * is below etcd is the cause, and a thousand notifications say no more than one.
 */
function manyClustersAlert({ burnRates, manyClusters }: Model, deployment: Deployment): AlertingRule {
  const fastest = burnRates[0];
  const long = formatDuration(fastest.long);
  return {
    alert: 'EtcdManyClustersBurning',
    expr: `count by (region, objective) (\n  ${tooFast(fastest)}\n)\n>= ${manyClusters}`,
    keep_firing_for: formatDuration(keepFiring),
    labels: { severity: 'critical', urgency: 'page' },
    annotations: {
      summary: `{{ $labels.region }}: {{ $value }} clusters burn the error budget of {{ $labels.objective }}`,
      description: `In {{ $labels.region }} {{ $value }} clusters burn the error budget of {{ $labels.objective }} more than ${fastest.factor} times too fast over ${long}. So many at once have a common cause: disks, network or hosts of the region. This alert stands for theirs.`,
      ...regionLinks('EtcdManyClustersBurning', deployment),
    },
  };
}

function exhaustedAlert({ window }: Model, deployment: Deployment): AlertingRule {
  const text = formatDuration(window);
  const remaining = maxBy([...clusterLabels, 'objective'], remainingBudget(text));
  return {
    alert: 'EtcdErrorBudgetExhausted',
    expr: withSeverity(`${remaining} < 0`, 'ticket'),
    for: '10m',
    labels: { urgency: 'ticket' },
    annotations: {
      summary: `{{ $labels.cluster }}: the error budget of {{ $labels.objective }} is spent`,
      description:
        `The {{ $labels.spec }} cluster {{ $labels.cluster }} in {{ $labels.region }} ({{ $labels.product }}, {{ $labels.scene }}) ` +
        `has broken the objective {{ $labels.objective }} over the last ${text}: {{ $value | humanizePercentage }} of the error budget are left.`,
      ...clusterLinks('EtcdErrorBudgetExhausted', '7d', deployment),
    },
  };
}

/** Gives alerts about clusters the severity of the cluster's class. */
function withSeverity(condition: string, urgency: Urgency): string {
  const severities = maxBy(['spec', 'severity'], `${severity}{urgency="${urgency}"}`);
  return `(\n  ${condition}\n)\n* on (spec) group_left (severity)\n${severities}`;
}

function healthAlerts(model: Model, deployment: Deployment): AlertingRule[] {
  const shortest = formatDuration(burnRateWindows(model)[0]);
  const sloGroups = 'rule_group=~".*;etcd-slo-.*"';
  const failures = (metric: string) =>
    `${sumBy(['prometheus', 'rule_group'], `increase(${metric}{${sloGroups}}[10m])`)} > 0`;
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
      alert: 'EtcdSLORegionSilent',
      expr: `last_over_time(${reportingRegions}[1d]) unless on (region) ${reportingRegions}`,
      for: '5m',
      labels: { severity: 'critical', urgency: 'page' },
      annotations: {
        summary: `{{ $labels.region }}: the SLOs of this region have fallen silent`,
        description: `{{ $labels.region }} recorded SLOs within the last day and does not now. Its Prometheus, the Thanos sidecar or the way between them is down; no alert about its clusters can fire.`,
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
        ...links('EtcdSLORulesAbsent', 'etcdfleet-tier1', '', deployment),
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
        ...links('EtcdSLORulesNotLoaded', 'etcdfleet-tier1', '', deployment),
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
        ...links('EtcdSLORulesFailing', 'etcdfleet-tier1', '', deployment),
      },
    },
  ];
}

function clusterLinks(alert: string, since: string, deployment: Deployment) {
  const query = `?var-region={{ $labels.region | urlquery }}&var-cluster={{ $labels.cluster | urlquery }}&from=now-${since}&to=now`;
  return links(alert, 'etcdfleet-tier3', query, deployment);
}

const regionLinks = (alert: string, deployment: Deployment) =>
  links(alert, 'etcdfleet-tier1', '?var-region={{ $labels.region | urlquery }}', deployment);

function links(alert: string, dashboard: string, query: string, { grafanaUrl, runbookUrl }: Deployment) {
  return {
    dashboard_url: `${grafanaUrl}/d/${dashboard}${query}`,
    runbook_url: `${runbookUrl}#${alert.toLowerCase()}`,
  };
}

/** The alert of a burn rate of objectives.yaml: `very-fast` is EtcdErrorBudgetBurnVeryFast. */
export function burnRateAlertName(name: string): string {
  const words = name.split('-').map((word) => word[0].toUpperCase() + word.slice(1));
  return `EtcdErrorBudgetBurn${words.join('')}`;
}
