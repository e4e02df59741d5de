// Properties of the counting rules on random counters and events, evaluated by promtool and computed directly beside it.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { rulesWithoutEvents, withoutEvents } from '../fixtures/burn-rates.ts';
import { increaseOf, notation, scrapesIn, type PromtoolFile, type Values } from '../fixtures/promtool.ts';
import { writeFiles } from '../files.ts';
import { loadDefinitions } from '../model/definitions.ts';
import { formatDuration, parseDuration } from '../model/duration.ts';
import { testRules } from '../promtool.ts';
import { scratchDirectory } from '../scratch.ts';
import { ruleFiles, ruleTexts } from './files.ts';
import { matching } from './promql.ts';
import { yamlText } from './rules.ts';
import { clusterLabels, events, levels, rollUps } from './series.ts';
import { burnRateWindows, timingOf } from './timing.ts';

const definitions = loadDefinitions();
const { model, deployment } = definitions;
const { step, scrapeInterval } = deployment;
const sli = model.slis.find(({ kind }) => kind === 'ratio')!;
const seconds: Record<string, number> = { '': step, '5m': 300, '30m': 1800, '1h': 3600 };
const end = 75 * 60;
const members = 3;
const seed = Number(process.env.SEED || 20260711);

interface RandomCluster {
  name: string;
  scene: string;
  /** A counter for each member. */
  all: Values[];
  bad: Values[];
}

/** Each test's clusters have features that the others lack. */
interface Features {
  resets: boolean;
  gaps: boolean;
}

test('without gaps every window is the exact number of events', async (t) => {
  const clusters = randomClusters({ resets: false, gaps: false });
  await compare(t, clusters, (values, from, to) => increaseOf(values, from, to));
});

test('through resets and gaps every window is the sum of what Prometheus counts for its steps', async (t) => {
  const clusters = randomClusters({ resets: true, gaps: true });
  await compare(t, clusters, (values, from, to) => {
    const perStep = scrapesIn(step, deployment);
    let sum = 0;
    for (let at = to; at > from; at -= perStep) {
      sum += prometheusIncrease(values, at) * (step / (step + scrapeInterval));
    }
    return sum;
  });
});

test('over windows of days every sum is that of the events of its steps, at every level', async (t) => {
  const timing = timingOf(deployment);
  const lastStep = 31 * (86400 / step);
  const random = randomNumbers(seed);
  // A step in fifty is missing, as when an evaluation is left out.
  const perStep = (): Values =>
    Array.from({ length: lastStep + 1 }, () => (random() < 0.02 ? undefined : Math.floor(random() * 50)));
  const given = levels.map((level) => ({
    level,
    labels: {
      ...Object.fromEntries([...(labelsOf[level] ?? clusterLabels), 'objective', 'sli'].map((label) => [label, 'x'])),
      events: 'all',
    },
    values: perStep(),
  }));
  const windows = burnRateWindows(model).filter((window) => window >= timing.tile);
  const [bad, all] = [perStep(), perStep()];
  const end = lastStep * step;
  const times = [end, end - 9 * timing.tile, end - 14.5 * 86400];
  const tests = times.flatMap((time) =>
    windows.flatMap((window) =>
      given.map(({ level, labels, values }) => {
        const to = window < timing.tiledFrom ? time : time - parseDuration(timing.tileOffset);
        const counted = values.slice(Math.max(0, (to - window) / step + 1), to / step + 1);
        const expected = counted.reduce<number>((sum, value) => sum + (value ?? 0), 0);
        // What is written once a tile is as old as its offset.
        const series = `last_over_time(${events(level, formatDuration(window))}${matching(labels)}[${timing.tile}s])`;
        return close(`sum(${series})`, expected, time);
      })
    )
  );
  // Over the budget's window all events are those of whole tiles; of bad ones also those since the last tile.
  const ofBudget = times.flatMap((time) => {
    const tiles = time - parseDuration(timing.tileOffset);
    const sum = (values: Values, to: number) =>
      values
        .slice(Math.max(0, (tiles - model.window) / step + 1), to / step + 1)
        .reduce<number>((total, value) => total + (value ?? 0), 0);
    const series = (kind: string) =>
      `sum(${events('cluster', formatDuration(model.window))}{cluster="y",events="${kind}"})`;
    return [close(series('bad'), sum(bad, time), time), close(series('all'), sum(all, tiles), time)];
  });
  await runOnRules(t, {
    rule_files: [path.basename(rulesWithoutEvents)],
    evaluation_interval: formatDuration(timing.tile),
    group_eval_order: withoutEvents(definitions).groups.map(({ name }) => name),
    tests: [
      {
        name: `seed ${seed}`,
        interval: timing.step,
        input_series: given
          .map(({ level, labels, values }) => ({
            series: events(level) + matching(labels),
            values: notation(values),
          }))
          .concat(
            Object.entries({ bad, all }).map(([kind, values]) => ({
              series: events('cluster') + matching({ cluster: 'y', objective: 'y', sli: 'y', events: kind }),
              values: notation(values),
            }))
          ),
        promql_expr_test: [...tests, ...ofBudget],
      },
    ],
  });
});

const labelsOf: Record<string, readonly string[]> = Object.fromEntries(
  rollUps.map(({ level, labels }) => [level, labels])
);

/** An expectation of a value within a millionth. */
const close = (selector: string, expected: number, time: number) => ({
  expr: `abs(${selector} - ${expected}) <= bool ${Math.max(1e-6 * expected, 1e-9)}`,
  eval_time: formatDuration(time),
  exp_samples: [{ labels: '{}', value: 1 }],
});

/** Lets promtool compare each window of each cluster, and of the scene that they form, with a direct computation. */
async function compare(
  t: TestContext,
  clusters: RandomCluster[],
  count: (values: Values, from: number, to: number) => number
) {
  const times = [end, end - 9 * 60, end - 31 * 60];
  const last = (time: number) => scrapesIn(time - scrapeInterval, deployment);
  const totals = (of: RandomCluster, kind: 'bad' | 'all', time: number, window: number) =>
    of[kind].reduce(
      (sum, values) => sum + count(values, Math.max(0, last(time) - scrapesIn(window, deployment)), last(time)),
      0
    );
  const tests = times.flatMap((time) =>
    Object.keys(seconds)
      .filter((window) => seconds[window] < time - step)
      .flatMap((window) =>
        (['bad', 'all'] as const).flatMap((kind) => [
          ...clusters.map((of) =>
            close(
              `sum(${events('cluster', window)}${matching({ cluster: of.name, sli: sli.name, events: kind })})`,
              totals(of, kind, time, seconds[window]),
              time
            )
          ),
          ...['spec', 'scene', 'product', 'region'].map((level) =>
            close(
              `sum(${events(level, window)}${matching({ sli: sli.name, events: kind })})`,
              clusters.reduce((sum, of) => sum + totals(of, kind, time, seconds[window]), 0),
              time
            )
          ),
        ])
      )
  );
  await runOnRules(t, {
    rule_files: ['../recording/region.yaml'],
    evaluation_interval: formatDuration(step),
    group_eval_order: ruleFiles(definitions)['recording/region.yaml'].groups.map(({ name }) => name),
    tests: [
      {
        name: `seed ${seed}`,
        interval: formatDuration(scrapeInterval),
        input_series: clusters.flatMap(inputOf),
        promql_expr_test: tests,
      },
    ],
  });
}

async function runOnRules(t: TestContext, file: PromtoolFile) {
  const directory = scratchDirectory(t);
  writeFiles(directory, {
    ...ruleTexts(definitions, [], 'test'),
    [rulesWithoutEvents]: yamlText(withoutEvents(definitions), 'test', 'test'),
    'tests/cascade.yaml': yamlText(file, 'test', 'test'),
  });
  const { ok, output } = await testRules([path.join(directory, 'tests/cascade.yaml')]);
  assert.ok(ok, `seed ${seed}:\n${output}`);
}

function inputOf({ name, scene, all, bad }: RandomCluster) {
  assert.ok(sli.kind === 'ratio');
  const identity = { region: 'gz', product: 'p', scene, spec: model.classes[0].name, cluster: name };
  const series = (selector: string, values: Values, member: number) => ({
    series: `${selector.slice(0, -1)},member="${member}",${matching(identity).slice(1)}`
      .replaceAll('=~', '=')
      .replaceAll(/\|[^"]*/g, ''),
    values: notation(values),
  });
  return [
    ...all.map((values, member) => series(sli.all, values, member)),
    ...bad.map((values, member) => series(sli.bad, values, member)),
    { series: `etcdfleet_cluster_members${matching(identity)}`, values: `3x${scrapesIn(end, deployment)}` },
  ];
}

function randomClusters({ resets, gaps }: Features): RandomCluster[] {
  const random = randomNumbers(seed);
  const scrapes = scrapesIn(end, deployment) + 1;
  const counter = (missing: boolean[], growth: () => number): Values => {
    let value = 1e6 + Math.floor(random() * 1e6);
    return missing.map((gap) => {
      value = resets && random() < 0.005 ? Math.floor(random() * 5) : value + growth();
      return gap ? undefined : value;
    });
  };
  const bursts = () => (random() < 0.03 ? Math.floor(random() * 5000) : Math.floor(random() * 20));
  const errors = () => (random() < 0.05 ? Math.floor(random() * 100) : 0);
  return Array.from({ length: 8 }, (_, index) => {
    const cluster: RandomCluster = { name: `random-${index}`, scene: `scene-${index % 3}`, all: [], bad: [] };
    for (let member = 0; member < members; member++) {
      let left = 0;
      const missing = Array.from({ length: scrapes }, () => {
        left = left > 0 ? left - 1 : gaps && random() < 0.01 ? Math.floor(random() * 12) + 1 : 0;
        return left > 0;
      });
      cluster.all.push(counter(missing, bursts));
      cluster.bad.push(counter(missing, errors));
    }
    return cluster;
  });
}

/** Repeatable numbers from 0 to 1 (mulberry32). */
function randomNumbers(from: number): () => number {
  let state = from;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Prometheus's increase() over the range of a step that ends with a scrape, as documented for extrapolated rates. */
function prometheusIncrease(values: Values, at: number): number {
  const width = scrapesIn(step + scrapeInterval, deployment);
  const samples = values
    .slice(Math.max(0, at - width + 1), at + 1)
    .map((value, index, all) => ({ value, at: at - all.length + 1 + index }))
    .filter((sample): sample is { value: number; at: number } => sample.value !== undefined);
  if (samples.length < 2) {
    return 0;
  }
  const [first, last] = [samples[0], samples.at(-1)!];
  const increase = increaseOf(values, first.at, last.at);
  const covered = last.at - first.at;
  const spacing = covered / (samples.length - 1);
  const reach = (distance: number) => (distance >= spacing * 1.1 ? spacing / 2 : distance);
  const sinceZero = increase > 0 ? covered * (first.value / increase) : Infinity;
  const beforeFirst = Math.min(reach(first.at - (at - width)), sinceZero);
  return increase * ((covered + beforeFirst + reach(at - last.at)) / covered);
}
