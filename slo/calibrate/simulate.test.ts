// The simulation does what the generated rules do: promtool evaluates these on the same random events.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import { ruleFiles } from '../generate/files.ts';
import { matching, maxBy } from '../generate/promql.ts';
import { yamlText } from '../generate/rules.ts';
import { burnRate, clusterLabels, events, inventory } from '../generate/series.ts';
import { burnRateWindows, timingOf } from '../generate/timing.ts';
import { burnRateAlertName } from '../generate/alerts.ts';
import { withoutEvents } from '../fixtures/burn-rates.ts';
import { expects, type PromtoolTest } from '../fixtures/promtool.ts';
import { writeFiles } from '../files.ts';
import { loadDefinitions, type Definitions } from '../model/definitions.ts';
import { formatDuration } from '../model/duration.ts';
import { testRules } from '../promtool.ts';
import { scratchDirectory } from '../scratch.ts';
import { timeAt, type Measured, type Steps } from './history.ts';
import { eventsOf, labelsOf, randomHistory } from './pretended.ts';
import { burnRatesOf, reaches, simulate, worst } from './simulate.ts';

const definitions = loadDefinitions();
const { step } = definitions.deployment;

/** promtool evaluates every group at every step, so that rules which need tiles are left out here. */
const withoutTiles: Definitions = {
  ...definitions,
  model: {
    ...definitions.model,
    burnRates: definitions.model.burnRates.filter(({ long }) => long < timingOf(definitions.deployment).tiledFrom),
  },
};

for (const seed of [20260711, 42]) {
  test(`alerts fire and end at the very steps at which Prometheus's do (seed ${seed})`, async (t) => {
    const steps: Steps = { start: 0, step, count: 8 * 60 };
    const clusters = randomHistory(withoutTiles.model, steps, seed);
    const firings = simulate(clusters, steps, withoutTiles);
    assert.ok(firings.length > 2, `seed ${seed} makes no alert fire`);
    const times = Array.from({ length: steps.count }, (_, at) => timeAt(steps, at));
    // When an alert ends is the first step at which it does not fire; at the end of the history it goes on.
    const last = times.at(-1)!;
    const tests = times.map((time) =>
      expects(
        'count by (alertname, cluster, objective) (ALERTS{alertstate="firing",alertname=~"EtcdErrorBudgetBurn.*"})',
        time,
        firings
          .filter(({ start, end }) => start <= time && (time < end || (end === last && time === last)))
          .map(({ labels, objective, burnRate: name }) => ({
            labels: { alertname: burnRateAlertName(name), cluster: labels.cluster, objective },
            value: 1,
          }))
      )
    );
    await evaluate(t, withoutTiles, clusters, steps, formatDuration(step), tests);
  });
}

test('burn rates over every window are those that the rules record, also over windows made of tiles', async (t) => {
  const { tile } = timingOf(definitions.deployment);
  const steps: Steps = { start: 0, step, count: (4 * 86400) / step + 1 };
  const clusters = randomHistory(definitions.model, steps, 7).slice(0, 3);
  const times = [4, 30, 47, 49, 100, 144, 145, 150, 192].map((tiles) => tiles * tile);
  const tests = burnRateWindows(definitions.model).flatMap((window) =>
    times.map((time) =>
      expects(
        maxBy([...clusterLabels, 'objective'], burnRate(formatDuration(window))),
        time,
        clusters.flatMap((cluster) =>
          definitions.model.objectives.flatMap(({ name: objective }) => {
            const burning = burnRatesOf(cluster, objective, steps, definitions).get(window)!;
            const value = worst(burning, steps)[time / step];
            return Number.isNaN(value) ? [] : [{ labels: { ...cluster.labels, objective }, value }];
          })
        )
      )
    )
  );
  await evaluate(t, definitions, clusters, steps, formatDuration(tile), tests);
});

async function evaluate(
  t: TestContext,
  of: Definitions,
  clusters: Measured[],
  steps: Steps,
  interval: string,
  tests: PromtoolTest['promql_expr_test']
) {
  const groups = withoutEvents(of).groups.filter(({ name }) => !/-(budget|allowance|usual)/.test(name)); // no burn rate reads these
  const rules = { ...ruleFiles(of), 'recording/region.yaml': { groups } };
  const file = {
    rule_files: Object.keys(rules),
    evaluation_interval: interval,
    group_eval_order: Object.values(rules).flatMap(({ groups }) => groups.map(({ name }) => name)),
    tests: [
      {
        name: 'simulation',
        interval: formatDuration(step),
        input_series: clusters.flatMap((cluster) => inputOf(cluster, of, steps)),
        promql_expr_test: tests,
      },
    ],
  };
  const directory = scratchDirectory(t);
  const texts = Object.entries({ ...rules, 'simulation.yaml': file }).map(([name, content]) => [
    name,
    yamlText(content, 'test', 'test'),
  ]);
  writeFiles(directory, Object.fromEntries(texts));
  const { ok, output } = await testRules([path.join(directory, 'simulation.yaml')]);
  assert.ok(ok, output.slice(0, 4000));
}

/** The events that the counting rules would have recorded, and an inventory that has the cluster while it is measured. */
function inputOf({ labels, events: bySli }: Measured, { model }: Definitions, steps: Steps) {
  const known = Array.from({ length: steps.count }, (_, at) =>
    Object.values(bySli).some(({ all }) => !Number.isNaN(all[at]))
  );
  const written = Object.entries(bySli).flatMap(([sli, values]) => {
    const { objective } = model.slis.find(({ name }) => name === sli)!;
    return (['bad', 'all'] as const).map((kind) => ({
      series: events('cluster') + matching({ ...labels, objective, sli, events: kind }),
      values: [...values[kind]].map((value) => (Number.isNaN(value) ? '_' : value)).join(' '),
    }));
  });
  return [
    { series: inventory + matching({ ...labels }), values: known.map((is) => (is ? 3 : 'stale')).join(' ') },
    ...written,
  ];
}

test('an alert names the SLIs that burn too fast, the worst first, and no other', () => {
  const steps: Steps = { start: 0, step, count: 120 };
  const objective = definitions.model.objectives.find(({ slis }) => slis.length > 2)!;
  const [worse, bad, good] = objective.slis;
  const share = (ratio: number) => eventsOf(steps, () => ({ bad: 1000 * ratio, all: 1000 }));
  const cluster = { labels: labelsOf('c'), events: { [good]: share(0), [bad]: share(0.4), [worse]: share(0.8) } };
  const [firing] = simulate([cluster], steps, definitions);
  assert.deepEqual(firing.slis, [worse, bad]);
});

test('how near an SLI came to an alert is its share of the burn rate that fires', () => {
  const steps: Steps = { start: 0, step, count: 120 };
  const [objective] = definitions.model.objectives;
  const [rate] = definitions.model.burnRates;
  const target = definitions.model.classes.find(({ name }) => name === 'default')!.targets[objective.name];
  const half = (rate.factor / 2) * (1 - target);
  const events = { [objective.slis[0]]: eventsOf(steps, () => ({ bad: 1e6 * half, all: 1e6 })) };
  const found = reaches({ labels: labelsOf('c'), events }, 0, 7000, steps, {
    ...definitions,
    model: { ...definitions.model, burnRates: [rate] },
  });
  assert.equal(found[0].sli, objective.slis[0]);
  assert.ok(Math.abs(found[0].share - 0.5) < 1e-9);
});
