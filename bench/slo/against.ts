// npm run bench slo -- --against <folder>: compares the cost of our rules with other rule files for the same fleet,
// such as those of an earlier version. Each version has a Prometheus on the same blocks. Groups are measured in turns,
// so that other load on the machine affects both.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import type { RuleFile } from '../../slo/generate/rules.ts';
import { parseDuration } from '../../slo/model/duration.ts';
import { median } from '../../slo/median.ts';
import { markdownTable as table } from '../table.ts';
import { warmUp } from './alone.ts';
import { groupCost, idleCores, type Bench, type GroupCost } from './group-costs.ts';
import type { Prometheus } from './prometheus.ts';
import { epoch } from './seed.ts';

type Files = Record<string, RuleFile>;

/** Reads the rule files with these names from a folder. */
export const readRuleFiles = (folder: string, names: string[]): Files =>
  Object.fromEntries(names.map((name) => [name, parse(readFileSync(path.join(folder, name), 'utf8')) as RuleFile]));

interface Version {
  name: string;
  bench: Bench;
  costs: GroupCost[];
  samples: Map<string, number>;
  /** Rules with an empty result, which cost less than they would with data. */
  empty: string[];
}

/**
 * `start` starts a version's Prometheus on the blocks. `check` fails if our rules do not record the expected series.
 */
export async function compare(
  others: Files,
  ours: Files,
  rounds: number,
  start: (name: 'others' | 'ours') => Promise<Prometheus>,
  check: (prometheus: Prometheus, at: number) => Promise<void>,
  signal: AbortSignal
): Promise<void> {
  const started: Prometheus[] = [];
  try {
    const versions: Version[] = [];
    for (const [name, files] of [['others', others] as const, ['ours', ours] as const]) {
      console.log(`Warming up the rules: ${name} …`);
      const prometheus = await start(name);
      started.push(prometheus);
      const { at } = await warmUp(files, prometheus, epoch, signal);
      if (files === ours) {
        await check(prometheus, at);
      }
      const idle = await idleCores(prometheus, signal);
      const version: Version = {
        name,
        bench: { prometheus, files, at, idle },
        costs: [],
        samples: new Map(),
        empty: [],
      };
      await countSamples(version);
      versions.push(version);
    }
    const [other, own] = versions;
    // Groups that read come before those that record, because recorded series are denser here than in production.
    for (const name of namesOf(versions).toReversed()) {
      const times = new Map(versions.map(({ bench }) => [bench, bench.at]));
      for (let round = 1; round <= rounds; round++) {
        for (const { bench, costs } of versions) {
          const group = groupsOf(bench.files).find((one) => one.name === name);
          if (group) {
            const [begin, at] = [Date.now(), times.get(bench)!];
            costs.push(await groupCost({ ...bench, at }, group, signal));
            times.set(bench, at + Date.now() - begin + 2000); // no timestamp is used twice
          }
        }
      }
      const [before, now] = versions.map((version) => figure(version, name, 'cores'));
      console.log(`${name}: ${before.toFixed(5)} and ${now.toFixed(5)} cores`);
    }
    console.log(`\n${reportOf(other, own)}\n`);
  } finally {
    await Promise.all(started.map((prometheus) => prometheus.stop()));
  }
}

const groupsOf = (files: Files) => Object.values(files).flatMap(({ groups }) => groups);

/** Returns the group names in the order in which groups read each other. */
function namesOf(versions: Version[]): string[] {
  const [other, own] = versions.map(({ bench }) => groupsOf(bench.files).map(({ name }) => name));
  return [...new Set([...own, ...other])];
}

async function countSamples({ bench: { prometheus, files, at }, samples, empty }: Version) {
  for (const { name, rules } of groupsOf(files)) {
    let read = 0;
    for (const rule of rules) {
      const answer = await prometheus.query(`count(\n${rule.expr}\n)`, at);
      read += answer.samples;
      if (answer.values.size === 0) {
        empty.push('record' in rule ? rule.record : rule.alert);
      }
    }
    samples.set(name, read);
  }
}

/** The median of the rounds, or NaN for a group that the version does not have. */
const figure = ({ costs }: Version, name: string, of: keyof Omit<GroupCost, 'name'>) =>
  median(costs.filter((cost) => cost.name === name).map((cost) => cost[of]));

function reportOf(other: Version, own: Version): string {
  const both = [other, own];
  const names = namesOf(both);
  const sum = (values: number[]) => values.reduce((all, value) => all + (value || 0), 0);
  const each = (text: (version: Version) => string) => both.map((version) => text(version));
  const unknown = (value: number, text: string) => (Number.isNaN(value) ? '–' : text);
  const ms = (value: number) => unknown(value, `${(value * 1000).toFixed(0)} ms`);
  const megabytes = (value: number) => unknown(value, `${(value / 1e6).toFixed(0)} MB`);
  const share = (value: number) => unknown(value, `${(value * 100).toFixed(3)} %`);
  const rows = names.map((name) => [
    name,
    ...each(({ samples }) => `${samples.get(name) ?? '–'}`),
    ...each((version) => ms(figure(version, name, 'wall'))),
    ...each((version) => ms(figure(version, name, 'cpu'))),
    ...each((version) => megabytes(figure(version, name, 'allocated'))),
    ...each((version) => share(figure(version, name, 'cores'))),
  ]);
  const cores = (version: Version) => sum(names.map((name) => figure(version, name, 'cores')));
  const perSecond = (version: Version, of: 'wall' | 'allocated') =>
    sum(names.map((name) => figure(version, name, of) / intervalOf(version, name)));
  const ratio = (of: (version: Version) => number) => (of(own) / of(other)).toFixed(3);
  return [
    table(
      ['group', 'samples', 'ours', 'seconds', 'ours', 'CPU', 'ours', 'allocated', 'ours', 'of a core', 'ours'],
      rows
    ),
    table(
      ['', 'others', 'ours', 'ratio'],
      [
        ['CPU, of a core', ...each((version) => share(cores(version))), ratio(cores)],
        ...(['wall', 'allocated'] as const).map((of) => [
          of === 'wall' ? 'evaluation / interval' : 'allocated a second',
          ...each((version) => (of === 'wall' ? share : megabytes)(perSecond(version, of))),
          ratio((version) => perSecond(version, of)),
        ]),
      ]
    ),
    ...each(({ name, empty }) => `Rules with an empty result (${name}): ${empty.join(', ') || 'none'}.`),
  ].join('\n\n');
}

function intervalOf({ bench }: Version, name: string): number {
  const group = groupsOf(bench.files).find((one) => one.name === name);
  return group ? parseDuration(group.interval) : NaN;
}
