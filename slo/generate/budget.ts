// What is left of the error budget. Sums over its window read the most samples, so they are made of tiles and evaluated
// rarely; what has happened since the last tile is added every step, so that a budget is never older than the burn rates
// beside it.
import { formatDuration } from '../model/duration.ts';
import type { Deployment, Model } from '../model/model.ts';
import { maxBy, on, sumBy, union } from './promql.ts';
import type { RecordingRule } from './rules.ts';
import {
  clusterLabels,
  countedSteps,
  eventLabels,
  events,
  expectedMembers,
  firstTile,
  groupLabels,
  history,
  lastTiledStep,
  levels,
  remainingBudget,
  rollUps,
  target,
  tileEvaluation,
} from './series.ts';
import { instantLookback, stepsOfTile, type Timing } from './timing.ts';

/** What is known of one SLI is joined by these labels. */
const ofSli = on(['objective', 'sli']);

/** The sums over the window as far as there are tiles. */
const tiled = (window: string) => `${window}_tiles`;

/** Bad events of steps that are in no tile yet; none when there is no bad one. */
const sinceTile = events('cluster', '_since_tile');

/**
 * Exact sums of a tile's time, from which the long windows are made: few samples instead of one for each step. When the
 * evaluation before was missed, the tile is as long as two and holds what would be lost.
 */
export function tileRules(model: Model, timing: Timing): RecordingRule[] {
  const window = formatDuration(model.window);
  const overTile = (operation: string, series: string) =>
    union([
      `${operation}(${series}[${formatDuration(2 * timing.tile)}]) unless on () last_over_time(${tileEvaluation}[${formatDuration(1.5 * timing.tile)}])`,
      `${operation}(${series}[${formatDuration(timing.tile)}])`,
    ]);
  const stepEnds = `timestamp(${all(events('cluster'))})`;
  return [
    ...levels.map((level) => ({
      record: events(level, timing.tileName),
      expr: overTile('sum_over_time', events(level)),
    })),
    { record: countedSteps(timing.tileName), expr: overTile('count_over_time', all(events('cluster'))) },
    {
      record: lastTiledStep,
      // An SLI that was not counted recently is looked up as far apart as an instant query looks back.
      expr: maxBy(
        ['objective', 'sli'],
        `${stepEnds} or max_over_time(${stepEnds}[${formatDuration(timing.tile)}:${formatDuration(instantLookback)}])`
      ),
    },
    { record: tileEvaluation, expr: 'vector(time())' },
    { record: firstTile, expr: `last_over_time(${firstTile}[${window}]) or vector(time())` },
    {
      record: events('cluster', tiled(window)),
      expr: `sum_over_time(${events('cluster', timing.tileName)}[${window}])`,
    },
    {
      record: countedSteps(tiled(window)),
      expr: `sum_over_time(${countedSteps(timing.tileName)}[${window}])`,
    },
  ];
}

/**
 * How many bad events the targets allow in a whole window. The part of it without history is taken to have events at the
 * rate of the part with it: the first minutes of a cluster are not held against the budget of these minutes alone.
 */
export function allowanceRules(model: Model, { step }: Deployment, timing: Timing): RecordingRule[] {
  const window = formatDuration(model.window);
  const steps = `last_over_time(${countedSteps(tiled(window))}[${timing.tileLookback}]) >= ${stepsOfTile}`;
  const inTiles = `last_over_time(${all(events('cluster', tiled(window)))}[${timing.tileLookback}])`;
  // What is younger than a tile has all its steps in this time.
  const young = `${all(events('cluster'))}[${formatDuration(2 * timing.tile)}]`;
  const inWindow = (level: string, kinds: string) => `${events(level, window)}{events=~"${kinds}"}`;
  const [spec, ...wider] = rollUps;
  return [
    { record: events('cluster', window), expr: union([`${inTiles} and ${steps}`, `sum_over_time(${young})`]) },
    {
      record: history(window),
      expr: `clamp_max(\n  ${maxBy([...clusterLabels, 'objective', 'sli'], `${steps} or count_over_time(${young})`)} * ${step} / ${model.window},\n  1\n)`,
    },
    {
      record: events('cluster', window),
      labels: { events: 'allowance' },
      expr: perTarget(`${all(events('cluster', window))}\n/ ignoring (events)\n${history(window)}`),
    },
    {
      record: events(spec.level, window),
      expr: promised(sumBy([...spec.labels, ...eventLabels], inWindow('cluster', 'all|allowance'))),
    },
    {
      record: events(spec.level, window),
      labels: { events: 'budget' },
      expr: perTarget(all(events(spec.level, window))),
    },
    ...wider.map(({ level, labels }, index) => ({
      record: events(level, window),
      expr: sumBy([...labels, ...eventLabels], inWindow(rollUps[index].level, 'all|budget|allowance')),
    })),
  ];
}

/** Bad events of the window at every level, and what each cluster has left of its budget. */
export function budgetRules(model: Model, timing: Timing): RecordingRule[] {
  const window = formatDuration(model.window);
  const inTiles = `last_over_time(${bad(events('cluster', tiled(window)))}[${timing.tileLookback}])`;
  const [spec] = rollUps;
  const rollUp = (level: string, labels: readonly string[], source: string) => {
    const sum = sumBy([...labels, ...eventLabels], bad(events(source, window)));
    return { record: events(level, window), labels: badOnly, expr: level === spec.level ? promised(sum) : sum };
  };
  const spent = `${bad(events('cluster', window))}\n  / ignoring (events)\n  (${events('cluster', window)}{events="allowance"} > 0)`;
  return [
    { record: sinceTile, expr: badSinceTile(timing) },
    {
      record: events('cluster', window),
      labels: badOnly,
      expr: union([`${inTiles} + ${sinceTile}`, inTiles, sinceTile, `0 * ${bad(events('cluster'))}`]),
    },
    ...rollUps.map(({ level, labels }, index) => rollUp(level, labels, levels[index])),
    {
      // Deleted clusters are dropped immediately.
      record: remainingBudget(window),
      expr: `1 - ${maxBy([...clusterLabels, 'objective'], `\n  ${spent}\n`)}\nand ${on(clusterLabels)}\n${expectedMembers}`,
    },
  ];
}

const badOnly = { events: 'bad' };

/**
 * Each step that has ended since the last one in a tile, and none twice: the inner window at a time holds the step that
 * ends just after it. A tile may be late or missed, so steps of two are looked at.
 */
function badSinceTile({ step, tile, tileLookback }: Timing): string {
  const range = formatDuration(2 * tile + 4 * (tile / stepsOfTile));
  return [
    'sum_over_time(',
    `  (`,
    `    sum_over_time(${bad(events('cluster'))}[${step}] offset -${step}) > 0`,
    `    unless ${ofSli}`,
    `    (last_over_time(${lastTiledStep}[${tileLookback}] @ end()) > time())`,
    `  )[${range}:${step}]`,
    ')',
  ].join('\n');
}

const bad = (series: string) => `${series}{events="bad"}`;
const all = (series: string) => `${series}{events="all"}`;

/** Times what the target leaves over. */
const perTarget = (expr: string) =>
  `${expr}\n* ${on([...groupLabels, 'objective'])} group_left ()\n(1 - ${target.resolved})`;

/** Only groups to which something is promised: events of others have no budget that they could be held against. */
const promised = (expr: string) => `${expr}\nand ${on([...groupLabels, 'objective'])}\n${target.resolved}`;
