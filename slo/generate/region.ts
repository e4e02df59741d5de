// The rules of a region's Prometheus: from raw series to clusters, windows and groups of clusters.
import { formatDuration } from '../model/duration.ts';
import type { Deployment, Model } from '../model/model.ts';
import { coverageRules } from './coverage.ts';
import { eventRules } from './events.ts';
import { inventoryRules } from './inventory.ts';
import { promiseRules } from './promises.ts';
import type { RuleFile, RuleGroup } from './rules.ts';
import { burnRateWindows, timingOf } from './timing.ts';
import { budgetRules, tileRules, windowRules } from './windows.ts';

export function regionRules(model: Model, deployment: Deployment): RuleFile {
  const timing = timingOf(deployment);
  const { step, slow, offset, tile, tileOffset } = timing;
  const limit = deployment.maxClusters;
  const windowLimit = limit * 2 * model.slis.length;
  const fastest = new Set([model.burnRates[0].short, model.burnRates[0].long]);
  const windows = burnRateWindows(model).map((window): RuleGroup => {
    return {
      name: `etcd-slo-window-${formatDuration(window)}`,
      interval: fastest.has(window) ? step : slow,
      limit: windowLimit,
      rules: windowRules(window, model, timing),
    };
  });
  const budget = `etcd-slo-budget-${formatDuration(model.window)}`;
  return {
    groups: [
      { name: 'etcd-slo-promises', interval: step, limit, rules: promiseRules(model) },
      ...[...eventRules(model, deployment)].map(([name, rules]): RuleGroup => {
        return { name, interval: step, query_offset: offset, limit: 2 * limit, rules };
      }),
      {
        name: 'etcd-slo-tiles',
        interval: formatDuration(tile),
        query_offset: tileOffset,
        limit: windowLimit,
        rules: tileRules(model, timing),
      },
      ...windows,
      { name: budget, interval: slow, limit: windowLimit, rules: budgetRules(model, timing) },
      { name: 'etcd-slo-inventory', interval: slow, rules: inventoryRules },
      { name: 'etcd-inspection-coverage', interval: slow, rules: coverageRules },
    ],
  };
}
