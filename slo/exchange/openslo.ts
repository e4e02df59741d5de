// OpenSLO v1 as far as it has to do with SLOs on Prometheus: https://github.com/OpenSLO/OpenSLO. Field for field, so that
// a mistyped one is reported; import.ts says of each known one that the definitions have no place for it.
import { z } from 'zod';

/** Something that the other side has no place for. */
export interface Unmapped {
  /** Where it is: a field of the definitions, or a document and its field. */
  field: string;
  why: string;
  remedy: string;
}

export const apiVersion = 'openslo/v1';

/** Whole minutes, hours and so on; months and longer have no fixed length. Some tools write windows that look back as -1h. */
const durationPattern = /^-?(\d+)([mhdwMQY])$/;
const secondsPer = { m: 60, h: 3600, d: 86400, w: 7 * 86400 };

/** Seconds, or undefined for units without a fixed length. */
export function parseShorthand(text: string): number | undefined {
  const [, number, unit] = durationPattern.exec(text) ?? [];
  return unit in secondsPer ? Number(number) * secondsPer[unit as keyof typeof secondsPer] : undefined;
}

export function formatShorthand(seconds: number): string {
  const [unit, size] = seconds % 86400 === 0 ? ['d', 86400] : seconds % 3600 === 0 ? ['h', 3600] : (['m', 60] as const);
  return `${seconds / Number(size)}${unit}`;
}

const duration = z.string().regex(durationPattern, 'is not a whole number of m, h, d or w. Write for example 30d.');
const description = z.string().max(1050, 'is longer than the 1050 characters that OpenSLO allows.').optional();

const metadata = z.strictObject({
  name: z.string().min(1),
  displayName: z.string().optional(),
  labels: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
  annotations: z.record(z.string(), z.string()).optional(),
});

const metric = z.strictObject({
  metricSource: z.strictObject({
    metricSourceRef: z.string().optional(),
    type: z.string().optional(),
    spec: z.looseObject({ query: z.string().optional() }),
  }),
});

const sliSpec = z.strictObject({
  description,
  thresholdMetric: metric.optional(),
  ratioMetric: z
    .strictObject({
      counter: z.boolean().optional(),
      good: metric.optional(),
      bad: metric.optional(),
      total: metric.optional(),
      rawType: z.enum(['success', 'failure']).optional(),
      raw: metric.optional(),
    })
    .optional(),
});

const alertConditionSpec = z.strictObject({
  description,
  severity: z.string().min(1),
  condition: z.strictObject({
    kind: z.literal('burnrate').default('burnrate'),
    op: z.enum(['gt', 'gte', 'lt', 'lte']).default('gt'),
    threshold: z.number(),
    lookbackWindow: duration,
    alertAfter: duration.optional(),
  }),
});

const inlineCondition = z.strictObject({
  kind: z.literal('AlertCondition'),
  metadata,
  spec: alertConditionSpec,
});

const alertPolicySpec = z.strictObject({
  description,
  alertWhenBreaching: z.boolean().optional(),
  alertWhenResolved: z.boolean().optional(),
  alertWhenNoData: z.boolean().optional(),
  conditions: z.array(z.union([z.strictObject({ conditionRef: z.string() }), inlineCondition])).min(1),
  notificationTargets: z.array(z.looseObject({})).optional(),
});

/** What an SLO must say of a policy inside of it; `spec` and `metadata` are read as an inlinePolicy. */
const inlinePolicyKind = z.object({ kind: z.literal('AlertPolicy'), metadata: z.unknown(), spec: z.unknown() });

/** A policy inside of an SLO, which is read by itself: a mistake in it costs the policy, not the SLO. */
export const inlinePolicy = z.strictObject({ kind: z.literal('AlertPolicy'), metadata, spec: alertPolicySpec });
export type InlinePolicy = z.output<typeof inlinePolicy>;
const indicator = z.strictObject({ metadata, spec: sliSpec });

const sloSpec = z.strictObject({
  description,
  service: z.string().min(1),
  indicator: indicator.optional(),
  indicatorRef: z.string().optional(),
  timeWindow: z
    .array(z.strictObject({ duration, isRolling: z.boolean().optional(), calendar: z.looseObject({}).optional() }))
    .length(1)
    .optional(),
  budgetingMethod: z.enum(['Occurrences', 'Timeslices', 'RatioTimeslices']),
  objectives: z
    .array(
      z
        .strictObject({
          displayName: z.string().optional(),
          op: z.string().optional(),
          value: z.number().optional(),
          target: z.number().min(0).lt(1).optional(),
          targetPercent: z.number().min(0).lt(100).optional(),
          timeSliceTarget: z.number().optional(),
          timeSliceWindow: z.union([z.number(), z.string()]).optional(),
          indicator: indicator.optional(),
          indicatorRef: z.string().optional(),
          compositeWeight: z.number().optional(),
        })
        .refine(({ target, targetPercent }) => (target ?? targetPercent) !== undefined, {
          path: ['target'],
          message: 'is missing. Write target, for example 0.999, or targetPercent',
        })
    )
    .min(1),
  alertPolicies: z
    .array(z.union([z.string(), z.strictObject({ alertPolicyRef: z.string() }), inlinePolicyKind]))
    .optional(),
});

const document = <Kind extends string, Spec extends z.ZodType>(kind: Kind, spec: Spec) =>
  z.strictObject({ apiVersion: z.literal(apiVersion), kind: z.literal(kind), metadata, spec });

const anything = z.looseObject({}).default({});

export const documents = {
  SLO: document('SLO', sloSpec),
  SLI: document('SLI', sliSpec),
  AlertPolicy: document('AlertPolicy', alertPolicySpec),
  AlertCondition: document('AlertCondition', alertConditionSpec),
  AlertNotificationTarget: document('AlertNotificationTarget', anything),
  Service: document('Service', anything),
  DataSource: document('DataSource', anything),
};

export type Kind = keyof typeof documents;
export type DocumentOf<K extends Kind> = z.input<(typeof documents)[K]>;
export type Document = { [K in Kind]: DocumentOf<K> }[Kind];
export type RatioMetric = NonNullable<z.output<typeof sliSpec>['ratioMetric']>;
