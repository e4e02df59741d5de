// The alerts of Thanos rule: one for each burn rate, for all clusters and objectives together, and those about the data.
// docs/runbooks.md has a section for each.
import { formatDuration } from '../model/duration.ts';
import type { BurnRate, Deployment, Model } from '../model/model.ts';
import type { Urgency } from '../model/schema.ts';
import { clusterPanels, objectiveLinks, panelLinks, regionLinks } from './alert-links.ts';
import { objectiveInWords, ofCluster, symptom } from './alert-text.ts';
import { healthAlerts } from './health-alerts.ts';
import { awaitedMembers } from './inventory.ts';
import { by, indent, maxBy, on } from './promql.ts';
import type { AlertingRule, RuleFile, RuleGroup } from './rules.ts';
import { awaitedMember, burnRate, clusterLabels, remainingBudget, severity } from './series.ts';
import { keepFiring, timingOf } from './timing.ts';

/** Groups whose answer may lack a region: the others' alerts must not wait for it. */
const withoutRegion = 'warn';

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
      group('etcd-slo-ticket', slow, [
        ...burning('ticket'),
        exhaustedAlert(model, deployment),
        inspectionAlert(model, deployment),
        onboardingAlert(deployment),
      ]),
      group('etcd-slo-health', step, healthAlerts(model, deployment)),
    ],
  };
}

function burnRateAlert(rate: BurnRate, model: Model, deployment: Deployment): AlertingRule {
  const [short, long] = [formatDuration(rate.short), formatDuration(rate.long)];
  const alert = burnRateAlertName(rate.name);
  return {
    alert,
    expr: withSeverity(tooFast(rate), rate.urgency),
    keep_firing_for: formatDuration(keepFiring),
    // The worst SLI is for the text only: when another one becomes the worst it is still the same alert.
    labels: { urgency: rate.urgency, sli: '' },
    annotations: {
      summary: `{{ $labels.cluster }}: ${symptom(model)}: ${objectiveInWords} burns its error budget {{ $value | humanize }} times too fast`,
      description:
        `${ofCluster} has burnt the error budget of {{ $labels.objective }} more than ${rate.factor} times too fast over ${long} and over ${short}: ` +
        `more than ${rate.budget} % of the budget of ${formatDuration(model.window)} went within ${long}. The worst SLI of the last ${short} is {{ $labels.sli }}.`,
      ...objectiveLinks(alert, model.objectives, deployment),
    },
  };
}

/** The clusters and objectives that burn faster than the alert allows, with the SLI that is the worst now. */
function tooFast({ short, long, factor }: BurnRate): string {
  const objective = [...clusterLabels, 'objective'];
  const [now, lasting] = [short, long].map((window) => burnRate(formatDuration(window)));
  const worst = `topk ${by(objective)} (1, ${maxBy([...objective, 'sli'], now)}) > ${factor}`;
  return `${worst}\n  and ${on(objective)}\n  ${maxBy(objective, lasting)} > ${factor}`;
}

/**
 * One alert for what hits many clusters of a region at once. Theirs fire as well, and Alertmanager holds them back: what
 * is below etcd is the cause, and a thousand notifications add nothing to one.
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
    // As many budgets as are spent.
    expr: withSeverity(`1 - ${remaining} > 1`, 'ticket'),
    for: '10m',
    labels: { urgency: 'ticket' },
    annotations: {
      summary: `{{ $labels.cluster }}: the error budget of {{ $labels.objective }} is spent`,
      description: `${ofCluster} has broken the objective {{ $labels.objective }} over the last ${text}: it has spent {{ $value | humanize }} times its error budget.`,
      ...panelLinks('EtcdErrorBudgetExhausted', clusterPanels.budget, deployment),
    },
  };
}

/** Inspections that failed and that no SLI counts: nobody feels them yet, and somebody has to do something. */
function inspectionAlert({ slis }: Model, deployment: Deployment): AlertingRule {
  const counted = slis.flatMap((sli) => (sli.kind === 'state' ? (sli.checks ?? []) : []));
  const others = counted.length ? `,check!~"${counted.join('|')}"` : '';
  return {
    alert: 'EtcdInspectionFailed',
    expr: withSeverity(
      `${maxBy([...clusterLabels, 'check'], `etcd_inspection_outcome{outcome="Failed"${others}}`)} == 1`,
      'ticket'
    ),
    for: '5m',
    labels: { urgency: 'ticket' },
    annotations: {
      summary: `{{ $labels.cluster }}: the inspection {{ $labels.check }} failed`,
      description: `The last run of the inspection {{ $labels.check }} of {{ $labels.cluster }} in {{ $labels.region }} found a fault that users do not feel yet. Its record in the panel says what it found and what to do.`,
      ...panelLinks('EtcdInspectionFailed', clusterPanels.inspections, deployment),
    },
  };
}

/** How long a member may take from its EtcdCluster to its first good scrape. */
const onboardingPatience = 900;

/** A cluster that is being onboarded burns nothing. An operator that does not name the members is an older one. */
function onboardingAlert(deployment: Deployment): AlertingRule {
  const named = `${maxBy([...clusterLabels, 'member'], `time() - ${awaitedMember}`)} > ${onboardingPatience}`;
  const unnamed = `${maxBy(clusterLabels, awaitedMembers)} > 0\nunless ${on(clusterLabels)} ${awaitedMember}`;
  return {
    alert: 'EtcdOnboardingStuck',
    expr: `${named}\nor (\n${indent(unnamed)}\n)`,
    for: '10m',
    labels: { severity: 'warning', urgency: 'ticket' },
    annotations: {
      summary: `{{ $labels.cluster }}: onboarding is stuck at {{ or $labels.member "a member" }}`,
      description: `{{ or $labels.member "A member" }} of the cluster {{ $labels.cluster }} in {{ $labels.region }} was never scraped well. Compare its address in the EtcdCluster with what the member listens on; the error of its scrape is under Status, Target health of the region's Prometheus.`,
      ...panelLinks('EtcdOnboardingStuck', clusterPanels.members, deployment),
    },
  };
}

/** Gives alerts about clusters the severity of the cluster's class. */
function withSeverity(condition: string, urgency: Urgency): string {
  const severities = maxBy(['spec', 'severity'], `${severity}{urgency="${urgency}"}`);
  return `(\n  ${condition}\n)\n* on (spec) group_left (severity)\n${severities}`;
}

/** The alert of a burn rate of objectives.yaml: `very-fast` is EtcdErrorBudgetBurnVeryFast. */
export function burnRateAlertName(name: string): string {
  const words = name.split('-').map((word) => word[0].toUpperCase() + word.slice(1));
  return `EtcdErrorBudgetBurn${words.join('')}`;
}
