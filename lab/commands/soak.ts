import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { LabFailure } from '../failure.ts';
import { requireNoFaults } from '../faults/fault.ts';
import { type QueriedSeries, instantQuery } from '../instant-query.ts';
import type { Lab } from '../lab.ts';
import { elapsed } from '../../terminal/progress.ts';
import { table } from '../../terminal/table.ts';
import type { Command } from './command.ts';
import { secondsOf } from './duration-flag.ts';

/** Seconds between two samples, between two printed lines, and until each inspection must have run. */
const look = 15;
const reminder = 300;
const firstRuns = 600;

export const soak: Command = {
  name: 'soak',
  usage: '[--last 1h]',
  summary: 'checks for a while that every inspection of a healthy lab runs and passes',
  async run(lab, args, signal) {
    const { values } = parseArgs({ args, options: { last: { type: 'string', default: '1h' } } });
    const last = secondsOf('last', values.last);
    requireNoFaults(lab);
    await untilCovered(lab, signal);
    const begin = Date.now();
    const tally = new RunTally();
    let lowestCoverage = 1;
    for (let looks = 0; ; looks++) {
      tally.add(await instantQuery(lab.plan.thanosURL, 'etcd_inspection_runs_total'));
      lowestCoverage = Math.min(lowestCoverage, await coverage(lab));
      if (Date.now() - begin >= last * 1000) {
        break;
      }
      if ((looks * look) % reminder === 0) {
        console.log(
          `${elapsed(begin)} of ${values.last}: ${tally.summary()}, coverage at least ${percent(lowestCoverage)}`
        );
      }
      await sleep(look * 1000, undefined, { signal });
    }
    console.log(
      `\n${tally.table()}\n\n${tally.summary()} in ${elapsed(begin)}, coverage at least ${percent(lowestCoverage)}`
    );
    tally.requirePassed();
    if (lowestCoverage < 0.99) {
      throw new LabFailure(
        `Only ${percent(lowestCoverage)} of the inspections had a fresh result at one time.`,
        'See `npm run lab logs cruiser-gz`, and run it on a machine that does nothing else.'
      );
    }
  },
};

const percent = (ratio: number) => `${(100 * ratio).toFixed(1)} %`;

/** Waits until every inspection has a fresh result: in a new lab some have not run yet. */
async function untilCovered(lab: Lab, signal: AbortSignal) {
  for (const begin = Date.now(); (await coverage(lab)) < 1;) {
    if (Date.now() - begin > firstRuns * 1000) {
      throw new LabFailure(
        'Some inspections have no fresh result.',
        'See which with `etcd_inspection_fresh == 0` in Thanos, and `npm run lab status`.'
      );
    }
    console.log('Waiting until every inspection has a fresh result …');
    await sleep(look * 1000, undefined, { signal });
  }
}

/** Returns the share of clusters × checks with a fresh result. */
async function coverage(lab: Lab): Promise<number> {
  const [series] = await instantQuery(
    lab.plan.thanosURL,
    'sum(etcd_inspection_fresh) / sum(etcdfleet_inspections_expected)'
  );
  return series ? Number(series.value[1]) : 0;
}

interface Inspection {
  cluster: string;
  check: string;
  /** Runs by outcome since the tally started. */
  runs: Map<string, number>;
}

/** Counts the runs of each inspection from its counters, across counter resets. */
export class RunTally {
  readonly #inspections = new Map<string, Inspection>();
  readonly #seen = new Map<string, number>();
  #begun = false;

  /** Adds a sample of the series of etcd_inspection_runs_total. The first sample is the baseline. */
  add(counters: QueriedSeries[]) {
    for (const { metric, value } of counters) {
      const { region, cluster, check, outcome } = metric;
      const name = [region, cluster, check].join('/');
      const inspection = this.#inspections.get(name) ?? { cluster, check, runs: new Map<string, number>() };
      this.#inspections.set(name, inspection);
      const now = Number(value[1]);
      const before = this.#seen.get(`${name}/${outcome}`) ?? (this.#begun ? 0 : now);
      this.#seen.set(`${name}/${outcome}`, now);
      const more = now < before ? now : now - before; // a counter reset starts at 0
      inspection.runs.set(outcome, (inspection.runs.get(outcome) ?? 0) + more);
    }
    this.#begun = true;
  }

  /** `120 runs: 119 Passed, 1 Warning`. */
  summary(): string {
    const byOutcome = new Map<string, number>();
    for (const [outcome, runs] of this.#all().flatMap((inspection) => [...inspection.runs])) {
      byOutcome.set(outcome, (byOutcome.get(outcome) ?? 0) + runs);
    }
    const runs = [...byOutcome].filter(([, count]) => count > 0);
    const total = runs.reduce((sum, [, count]) => sum + count, 0);
    return `${total} runs${runs.length > 0 ? ': ' : ''}${runs.map(([outcome, count]) => `${count} ${outcome}`).join(', ')}`;
  }

  /** A table of the number of runs of each check on each cluster. */
  table(): string {
    const clusters = distinct(this.#all().map(({ cluster }) => cluster));
    const checks = distinct(this.#all().map(({ check }) => check));
    const cell = (check: string, cluster: string) => {
      const inspection = this.#all().find((one) => one.check === check && one.cluster === cluster);
      return inspection ? String(runsOf(inspection)) : '';
    };
    return table(
      ['RUNS', ...clusters],
      checks.map((check) => [check, ...clusters.map((cluster) => cell(check, cluster))])
    );
  }

  /** Throws if an inspection had an outcome other than Passed, or did not run. */
  requirePassed() {
    const wrong = this.#all().flatMap(({ cluster, check, runs }) =>
      [...runs]
        .filter(([outcome, count]) => outcome !== 'Passed' && count > 0)
        .map(([outcome, count]) => `${check} of ${cluster} was ${outcome} in ${count} runs`)
    );
    const idle = this.#all()
      .filter((inspection) => runsOf(inspection) === 0)
      .map(({ cluster, check }) => `${check} of ${cluster} did not run`);
    if (wrong.length + idle.length > 0) {
      throw new LabFailure(
        `${[...wrong, ...idle].join('\n')}`,
        'See their messages in Grafana, or with `.lab/bin/fleet`.'
      );
    }
    if (this.#inspections.size === 0) {
      throw new LabFailure(
        'There are no inspections.',
        'Start the lab with `npm run lab`, and wait until it is ready.'
      );
    }
  }

  #all = () => [...this.#inspections.values()];
}

const distinct = (names: string[]) => [...new Set(names)].sort();

const runsOf = ({ runs }: Inspection) => [...runs.values()].reduce((sum, count) => sum + count, 0);
