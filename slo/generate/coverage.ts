// Which share of the inspections that should be there has a result that still counts, for each group of clusters.
import { countBy, sumBy } from './promql.ts';
import type { RecordingRule } from './rules.ts';
import { groupLabels } from './series.ts';

/** What is recorded, summable to any group of clusters; `fresh` also by check. */
export const coverage = {
  fresh: 'spec:etcd_inspection_fresh:sum',
  expected: 'spec:etcd_inspection_expected:sum',
};

/** What cruiser exposes for each inspection: 1 while its last result counts, else 0. */
const fresh = 'etcd_inspection_fresh';

/** What the operator exports for each cluster: how many inspections the policies want. */
const wanted = 'etcdfleet_inspections_expected';

export const coverageRules: RecordingRule[] = [
  { record: coverage.fresh, expr: sumBy([...groupLabels, 'check'], fresh) },
  {
    // Without a policy those that somebody created are the wanted ones.
    record: coverage.expected,
    expr: `${sumBy(groupLabels, wanted)} > 0\nor\n${countBy(groupLabels, fresh)}`,
  },
];

/** The share of the wanted inspections whose result counts, by labels of groups; inspections that no policy wants do not help. */
export function coverageRatio(labels: readonly string[], where = ''): string {
  const of = (series: string) => sumBy(labels, where ? `${series}{${where}}` : series);
  // Without cruiser no inspection has a result.
  const fresh = `(${of(coverage.fresh)} or 0 * ${of(coverage.expected)})`;
  return `clamp_max(${fresh} / ${of(coverage.expected)}, 1)`;
}
