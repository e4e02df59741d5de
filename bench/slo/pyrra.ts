// The rules that Pyrra generates for an objective, written after its documentation because its module is not available
// from the public Go module proxy. For a window of 30 days these are burn rates over seven windows, the increases over
// the window from raw series, four alerts on burn rates, and alerts on absent metrics.
import type { Rule, RuleFile, RuleGroup } from '../../slo/generate/rules.ts';
import type { Model } from '../../slo/model/model.ts';
import { formatDuration } from '../../slo/model/duration.ts';
import type { ClusterLabels } from './fleet.ts';
import { plainSlis, type PlainSli } from './plain-slis.ts';

/** Pyrra's pairs for 28 days, in minutes. Pyrra scales them to the SLO's window. */
const pairs = [
  { short: 5, long: 60, factor: 14, severity: 'critical' },
  { short: 30, long: 6 * 60, factor: 7, severity: 'critical' },
  { short: 2 * 60, long: 24 * 60, factor: 2, severity: 'warning' },
  { short: 6 * 60, long: 4 * 24 * 60, factor: 1, severity: 'warning' },
];

export function pyrraRules(clusters: ClusterLabels[], model: Model): RuleFile {
  return {
    groups: clusters.flatMap((cluster) => plainSlis(cluster, model).flatMap((sli) => groupsOf(cluster, sli, model))),
  };
}

function groupsOf(cluster: ClusterLabels, sli: PlainSli, { window }: Model): RuleGroup[] {
  const slo = `${cluster.cluster}-${sli.name}`;
  const stretched = pairs.map(({ short, long, ...rest }) => {
    const [s, l] = [short, long].map((minutes) => formatDuration(Math.round((minutes * window) / (28 * 86400)) * 60));
    return { short: s, long: l, ...rest };
  });
  const windows = [...new Set(stretched.flatMap(({ short, long }) => [short, long]))];
  const labels = { slo, cluster: cluster.cluster };
  const burnRates = windows.map((range): Rule => ({
    record: `pyrra:burnrate${range}`,
    expr: burnRate(sli, range),
    labels,
  }));
  const selector = `{slo="${slo}"}`;
  const alerts = stretched.map(({ short, long, factor, severity }): Rule => {
    const above = (range: string) => `pyrra:burnrate${range}${selector} > (${factor} * (1-${sli.target / 100}))`;
    return {
      alert: 'ErrorBudgetBurn',
      expr: `${above(short)} and ${above(long)}`,
      labels: { ...labels, short, long, severity },
      annotations: {},
    };
  });
  return [
    { name: slo, interval: '30s', rules: [...burnRates, ...alerts] },
    { name: `${slo}-increase`, interval: '150s', rules: [...increases(sli, window, labels)] },
  ];
}

function burnRate({ indicator }: PlainSli, range: string): string {
  const rate = (selector: string) => `sum(rate(${selector}[${range}]))`;
  switch (indicator.kind) {
    case 'ratio':
      return `${rate(indicator.bad)} / ${rate(indicator.all)}`;
    case 'latency':
      return `(${rate(indicator.all)} - ${rate(indicator.good)}) / ${rate(indicator.all)}`;
    case 'gauge': {
      const [count, sum] = ['count', 'sum'].map((of) => `sum(${of}_over_time(${indicator.good}[${range}]))`);
      return `(${count} - ${sum}) / ${count}`;
    }
  }
}

function increases({ indicator }: PlainSli, window: number, labels: Record<string, string>): Rule[] {
  const month = formatDuration(window);
  const record = (name: string, expr: string): Rule => ({ record: `pyrra:${name}${month}`, expr, labels });
  const absent = (selector: string): Rule => ({
    alert: 'SLOMetricAbsent',
    expr: `absent(${selector}) == 1`,
    labels: { ...labels, severity: 'critical' },
    annotations: {},
  });
  const increase = (selector: string) => `sum(increase(${selector}[${month}]))`;
  switch (indicator.kind) {
    case 'ratio':
    case 'latency': {
      const other = indicator.kind === 'ratio' ? indicator.bad : indicator.good;
      return [
        record('increase_all', increase(indicator.all)),
        absent(indicator.all),
        record('increase_part', increase(other)),
        absent(other),
      ];
    }
    case 'gauge':
      return [
        record('count', `sum(count_over_time(${indicator.good}[${month}]))`),
        record('sum', `sum(sum_over_time(${indicator.good}[${month}]))`),
        absent(indicator.good),
      ];
  }
}
