// The rules of a region's Prometheus: from raw series to clusters, windows and groups of clusters.
import { formatDuration } from '../model/duration.ts';
import type { Deployment, Model } from '../model/model.ts';
import { allowanceRules, budgetRules, tileRules } from './budget.ts';
import { capacityRules } from './capacity.ts';
import { coverageRules } from './coverage.ts';
import { eventRules } from './events.ts';
import { inventoryRules } from './inventory.ts';
import { usualRules } from './lost.ts';
import { promiseRules } from './promises.ts';
import type { RuleFile, RuleGroup } from './rules.ts';
import { burnRateWindows, timingOf } from './timing.ts';
import { windowRules } from './windows.ts';

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
  const window = formatDuration(model.window);
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
      { name: 'etcd-slo-usual', interval: slow, limit: windowLimit, rules: usualRules(model) },
      {
        name: `etcd-slo-allowance-${window}`,
        interval: slow,
        limit: windowLimit,
        rules: allowanceRules(model, deployment, timing),
      },
      {
        name: `etcd-slo-budget-${window}`,
        interval: timing.budget,
        limit: windowLimit,
        rules: budgetRules(model, timing),
      },
      { name: 'etcd-slo-inventory', interval: slow, rules: inventoryRules },
      { name: 'etcd-inspection-coverage', interval: slow, rules: coverageRules },
      { name: 'etcd-slo-capacity', interval: slow, limit: 2 * limit, rules: capacityRules },
    ],
  };
}
