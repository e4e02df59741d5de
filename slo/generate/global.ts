// The recording rules of Thanos rule: sums over the regions, and what alerts are joined with.
import { formatDuration } from '../model/duration.ts';
import type { Deployment, Model } from '../model/model.ts';
import { urgencies } from '../model/schema.ts';
import { sumBy, union, withLabels } from './promql.ts';
import type { RuleFile } from './rules.ts';
import { eventLabels, events, severity } from './series.ts';
import { burnRateWindows, timingOf } from './timing.ts';

/** 1 for each region that reports; Thanos rule keeps it when the region is gone. */
export const reportingRegions = 'region:etcd_slo_reporting:info';

export function globalRules(model: Model, deployment: Deployment): RuleFile {
  const { step } = timingOf(deployment);
  const windows = [...burnRateWindows(model), model.window].map(formatDuration);
  return {
    groups: [
      {
        // A sum that lacks a region would look like a better fleet: no sample is better than that.
        name: 'etcd-slo-fleet',
        interval: step,
        partial_response_strategy: 'abort',
        rules: windows.map((window) => ({
          record: events('fleet', window),
          expr: sumBy(eventLabels, events('region', window)),
        })),
      },
      {
        name: 'etcd-slo-severities',
        interval: step,
        partial_response_strategy: 'warn',
        rules: [
          ...model.classes.map((of) => ({
            record: severity,
            labels: { spec: of.name },
            expr: union(
              urgencies.map((urgency) => withLabels('vector(1)', { urgency, severity: of.severity[urgency] }))
            ),
          })),
          { record: reportingRegions, expr: `count by (region) (${events('region', windows[0])}) ^ 0` },
        ],
      },
    ],
  };
}
