// The definitions as OpenSLO documents: an SLO for each objective, class and SLI.
import type { Definitions } from '../model/definitions.ts';
import { formatDuration } from '../model/duration.ts';
import { latencySlis, type BurnRate, type Class, type Model, type Objective, type Sli } from '../model/model.ts';
import { urgencies } from '../model/schema.ts';
import { apiVersion, formatShorthand, type Document, type DocumentOf, type Unmapped } from './openslo.ts';
import { queriesOf } from './queries.ts';

export interface Exported {
  documents: Document[];
  unmapped: Unmapped[];
}

export function exportOpenSlo(definitions: Definitions): Exported {
  const { model } = definitions;
  return {
    documents: [
      ...model.classes.map(serviceOf),
      ...urgencies.map(notificationTarget),
      ...model.classes.flatMap((of) => model.burnRates.map((rate) => alertPolicy(rate, of))),
      ...model.objectives.flatMap((objective) =>
        model.classes.flatMap((of) =>
          objective.slis.map((name) =>
            slo(
              objective,
              of,
              model.slis.find((sli) => sli.name === name)!,
              definitions
            )
          )
        )
      ),
    ],
    unmapped: unmappedIn(model),
  };
}

const serviceName = (of: Class) => `etcd-${of.name}`;

function serviceOf(of: Class): DocumentOf<'Service'> {
  return {
    apiVersion,
    kind: 'Service',
    metadata: { name: serviceName(of) },
    spec: { description: `All etcd clusters of the class ${of.name}.` },
  };
}

function notificationTarget(urgency: BurnRate['urgency']): DocumentOf<'AlertNotificationTarget'> {
  return { apiVersion, kind: 'AlertNotificationTarget', metadata: { name: urgency }, spec: { target: urgency } };
}

const policyName = (rate: BurnRate, of: Class) => `${rate.name}-${of.name}`;

function alertPolicy(rate: BurnRate, of: Class): DocumentOf<'AlertPolicy'> {
  const name = policyName(rate, of);
  return {
    apiVersion,
    kind: 'AlertPolicy',
    metadata: { name, labels: { burnRate: rate.name, spec: of.name, urgency: rate.urgency } },
    spec: {
      description: `${rate.budget} % of the error budget go within ${formatDuration(rate.long)}.`,
      alertWhenBreaching: true,
      alertWhenResolved: true,
      conditions: [
        {
          kind: 'AlertCondition',
          metadata: { name },
          spec: {
            severity: of.severity[rate.urgency],
            condition: {
              kind: 'burnrate',
              op: 'gt',
              threshold: rate.factor,
              lookbackWindow: formatShorthand(rate.long),
              alertAfter: '0m',
            },
          },
        },
      ],
      notificationTargets: [{ targetRef: rate.urgency }],
    },
  };
}

function slo(objective: Objective, of: Class, sli: Sli, definitions: Definitions): DocumentOf<'SLO'> {
  const { good, bad, total } = queriesOf(sli, of, definitions);
  const metric = (query: string) => ({ metricSource: { type: 'Prometheus', spec: { query } } });
  return {
    apiVersion,
    kind: 'SLO',
    metadata: {
      name: `${objective.name}-${of.name}-${sli.name}`,
      displayName: objective.title,
      labels: { objective: objective.name, spec: of.name, sli: sli.name },
    },
    spec: {
      description: objective.description,
      service: serviceName(of),
      indicator: {
        metadata: { name: sli.name, displayName: sli.title },
        spec: {
          description: sli.description,
          ratioMetric: {
            counter: false,
            ...(good && { good: metric(good) }),
            ...(bad && { bad: metric(bad) }),
            total: metric(total),
          },
        },
      },
      timeWindow: [{ duration: formatShorthand(definitions.model.window), isRolling: true }],
      budgetingMethod: 'Occurrences',
      objectives: [{ displayName: objective.title, target: of.targets[objective.name] }],
      alertPolicies: definitions.model.burnRates.map((rate) => ({ alertPolicyRef: policyName(rate, of) })),
    },
  };
}

function unmappedIn(model: Model): Unmapped[] {
  const several = model.objectives.filter(({ slis }) => slis.length > 1);
  return [
    ...several.map(({ name, slis }) => ({
      field: `objectives.${name}.slis`,
      why: `An SLO has one indicator, and a composite one weighs its parts; here the worst of ${slis.length} SLIs counts.`,
      remedy: `There is an SLO for each SLI, with the label objective=${name}: take the worst of them.`,
    })),
    ...model.slis.flatMap((sli) =>
      sli.kind === 'ratio' && sli.failsWhile
        ? [
            {
              field: `slis.${sli.name}.failsWhile`,
              why: `A query counts what is counted; here requests also fail unseen while ${sli.failsWhile} is bad.`,
              remedy: `Watch the SLO of ${sli.failsWhile} as well, or add failsWhile again after an import.`,
            },
          ]
        : []
    ),
    {
      field: 'slis.*.symptom, slis.*.checks',
      why: 'An indicator has no words for alerts, and its query names the inspections that it counts.',
      remedy:
        'Add them again after an import. Until then the title stands for the symptom, and failed inspections that the SLI counts open tickets as well.',
    },
    {
      field: 'classes',
      why: 'An SLO has one pair of queries; here it holds for each cluster of a class by itself.',
      remedy: 'The queries add up all clusters of a class. Add the matcher cluster="…" for one cluster.',
    },
    ...model.overrides.map(({ where, reason }, index) => ({
      field: `overrides.${index}`,
      why: `An SLO takes no precedence over another (${reason})`,
      remedy: `Copy the SLOs of the class, add ${Object.entries(where)
        .map(([label, value]) => `${label}="${value}"`)
        .join(', ')} to their queries, and exclude these clusters from the SLOs of the class.`,
    })),
    ...model.burnRates.map(({ name, short, long }) => ({
      field: `burnRates.${name}.short`,
      why: 'An alert policy has one condition, and a condition one window.',
      remedy: `Only ${formatDuration(long)} is there: alerts end later. Where the tool can, add the window ${formatDuration(short)}.`,
    })),
    {
      field: 'minimumBadEvents',
      why: 'A condition knows burn rates and no numbers of events.',
      remedy: `Expect alerts from fewer than ${model.minimumBadEvents} bad events where traffic is low.`,
    },
    ...latencySlis(model)
      .filter(({ sources }) => sources.length > 1)
      .map(({ name, sources }) => ({
        field: `slis.${name}.sources`,
        why: 'A query has one threshold, and the histograms have different edges.',
        remedy: `Only ${sources[0].histogram} is there. For clusters that expose ${sources
          .slice(1)
          .map(({ histogram }) => histogram)
          .join(', ')} change the queries.`,
      })),
    {
      field: 'slis.*.thresholds, histograms',
      why: 'A query has the threshold that is chosen, not those that could be.',
      remedy: 'Keep slis.yaml: an import offers only the thresholds that classes use.',
    },
  ];
}
