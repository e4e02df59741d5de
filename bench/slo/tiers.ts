// The queries of the three tiers, on recorded series and on raw ones.
import type { RuleFile } from '../../slo/generate/rules.ts';
import { clusterLabels, events, groupLabels, target } from '../../slo/generate/series.ts';
import { by, on, withLabels } from '../../slo/generate/promql.ts';
import type { Definitions } from '../../slo/model/definitions.ts';
import { formatDuration } from '../../slo/model/duration.ts';
import type { ClusterLabels } from './fleet.ts';
import { median } from '../../slo/median.ts';
import type { Prometheus } from './prometheus.ts';
import { RawExpressions, restricted } from './raw-expressions.ts';

/** The window in seconds: the longest one for which the raw series of a whole fleet can be read within minutes. */
const window = 3600;

interface Question {
  tier: 1 | 2 | 3;
  name: string;
  recorded: string;
  raw: string;
}

export interface TierFigures {
  tier: number;
  name: string;
  /** Medians, in seconds. */
  recorded: number;
  raw: number;
  rawRuns: number;
  recordedSamples: number;
  rawSamples: number;
  ratio: number;
  /** The largest difference between both answers, relative to the raw one. */
  difference: number;
  /** The number of rows of the answer. */
  rows: number;
  /** Seconds of the recorded query through Thanos query, if it runs. */
  thanos?: number;
}

export async function tierFigures(
  region: RuleFile,
  definitions: Definitions,
  cluster: ClusterLabels,
  prometheus: Prometheus,
  at: number,
  thanosUrl?: string
): Promise<TierFigures[]> {
  const figures: TierFigures[] = [];
  for (const question of questions(region, definitions, cluster)) {
    const recorded = await repeat(() => prometheus.query(question.recorded, at), 20, 5);
    const raw = await repeat(() => prometheus.query(question.raw, at), 5, 30);
    const thanos = thanosUrl
      ? await repeat(() => prometheus.query(question.recorded, at, thanosUrl), 20, 5)
      : undefined;
    const [recordedSeconds, rawSeconds] = [recorded, raw].map(({ seconds }) => median(seconds));
    figures.push({
      tier: question.tier,
      name: question.name,
      recorded: recordedSeconds,
      raw: rawSeconds,
      rawRuns: raw.seconds.length,
      recordedSamples: recorded.last.samples,
      rawSamples: raw.last.samples,
      ratio: rawSeconds / recordedSeconds,
      difference: largestDifference(recorded.last.values, raw.last.values),
      rows: recorded.last.values.size,
      thanos: thanos && median(thanos.seconds),
    });
  }
  return figures;
}

function questions(region: RuleFile, { model, deployment }: Definitions, cluster: ClusterLabels): Question[] {
  const raw = new RawExpressions(region, model, deployment);
  const text = formatDuration(window);
  const ofScene = `region="${cluster.region}",scene="${cluster.scene}"`;
  const ofCluster = `cluster="${cluster.cluster}"`;

  const errorRatio = (level: string, labels: string[], matchers = '') => {
    const recorded = (kind: string) =>
      `sum ${by(labels)} (${events(level, text)}{sli="request-errors",events="${kind}"${matchers && `,${matchers}`}})`;
    const counted = (kind: 'bad' | 'all') => {
      const expr = raw.of('request-errors', kind, window);
      return `sum ${by(labels)} (\n${matchers ? restricted(expr, matchers) : expr}\n)`;
    };
    return { recorded: `${recorded('bad')} / ${recorded('all')}`, raw: `${counted('bad')}\n/\n${counted('all')}` };
  };

  /** The spent share of the window's budget for each objective, which is that of its worst SLI. */
  const budget = (level: string, labels: string[], matchers = '') => {
    const select = (kind: string) => `${events(level, text)}{events="${kind}"${matchers && `,${matchers}`}}`;
    const sum = (kind: string) => `sum ${by([...labels, 'objective', 'sli'])} (${select(kind)})`;
    const slis = model.slis.map(({ name, objective }) => {
      const of = (kind: 'bad' | 'all') => withLabels(`(\n${raw.of(name, kind, window)}\n)`, { objective, sli: name });
      const allowed = `(${of('all')}) * ${on([...groupLabels, 'objective'])} group_left () (1 - ${target.resolved})`;
      const ratio = `sum ${by([...labels, 'objective', 'sli'])} (${of('bad')})\n/\nsum ${by([...labels, 'objective', 'sli'])} (${allowed})`;
      return `(${matchers ? restricted(ratio, matchers) : ratio})`;
    });
    return {
      recorded: `max ${by([...labels, 'objective'])} (${sum('bad')} / ${sum('budget')})`,
      raw: `max ${by([...labels, 'objective'])} (\n${slis.join('\nor\n')}\n)`,
    };
  };

  const burn = `cluster:etcd_slo_burn_rate:ratio${text}{${ofCluster}}`;
  const rawBurn = model.slis.map(({ name, objective }) => {
    const of = (kind: 'bad' | 'all') => `(${raw.of(name, kind, window)})`;
    const labelled = withLabels(`(\n${of('bad')} / ${of('all')}\n)`, { objective, sli: name });
    return `(${restricted(labelled, ofCluster)})`;
  });
  return [
    { tier: 1, name: `request error ratio by region, ${text}`, ...errorRatio('region', ['region']) },
    { tier: 1, name: `error budget spent by region and objective, ${text}`, ...budget('region', ['region']) },
    { tier: 2, name: `request error ratio of a scene, ${text}`, ...errorRatio('scene', ['region', 'scene'], ofScene) },
    {
      tier: 2,
      name: `error budget spent of a scene by objective, ${text}`,
      ...budget('scene', ['region', 'scene'], ofScene),
    },
    {
      tier: 3,
      name: `burn rates of a cluster, ${text}`,
      recorded: `max ${by([...clusterLabels, 'objective'])} (${burn})`,
      raw: `max ${by([...clusterLabels, 'objective'])} (\n${rawBurn.join('\nor\n')}\n)\n/ ${on([...groupLabels, 'objective'])} group_left ()\n(1 - ${target.resolved})`,
    },
  ];
}

/** Runs a query several times, but starts none after `limit` seconds. */
async function repeat<T extends { seconds: number }>(query: () => Promise<T>, times: number, limit: number) {
  const begin = performance.now();
  const seconds: number[] = [];
  let last = await query();
  seconds.push(last.seconds);
  while (seconds.length < times && performance.now() - begin < limit * 1000) {
    last = await query();
    seconds.push(last.seconds);
  }
  return { seconds, last };
}

/** Returns the largest relative difference of two answers, or Infinity if their rows differ. */
function largestDifference(recorded: Map<string, number>, raw: Map<string, number>): number {
  if (recorded.size === 0 || recorded.size !== raw.size || [...recorded.keys()].some((key) => !raw.has(key))) {
    return Infinity;
  }
  return Math.max(
    ...[...raw].map(([key, value]) => Math.abs(recorded.get(key)! - value) / Math.max(Math.abs(value), 1e-9))
  );
}
