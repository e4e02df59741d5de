// The recording rules of Thanos rule: sums over the regions, and what alerts are joined with.
import { formatDuration } from '../model/duration.ts';
import type { Deployment, Model } from '../model/model.ts';
import { urgencies } from '../model/schema.ts';
import { sumBy, union, withLabels } from './promql.ts';
import type { RuleFile } from './rules.ts';
import { eventLabels, events, severity } from './series.ts';
import { burnRateWindows, timingOf } from './timing.ts';

/** 1 for each region that reports. */
export const reportingRegions = 'region:etcd_slo_reporting:info';

/** When each region reported last, in seconds: remembered while it is silent. */
export const lastReport = 'region:etcd_slo_reporting:timestamp';

export function globalRules(model: Model, deployment: Deployment): RuleFile {
  const { step, fleet } = timingOf(deployment);
  const windows = [...burnRateWindows(model), model.window].map(formatDuration);
  return {
    groups: [
      {
        // A sum that lacks a region would look like a better fleet: no sample is better than that.
        name: 'etcd-slo-fleet',
        interval: fleet,
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
          { record: lastReport, expr: `time() * ${reportingRegions}\nor\nlast_over_time(${lastReport}[1d])` },
        ],
      },
    ],
  };
}
