// npm run bench slo: measures the cost of the SLO rules of a whole fleet, and the savings of their recorded series.
import { availableParallelism, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import { setTimeout as sleep } from 'node:timers/promises';
import { ruleFiles } from '../../slo/generate/files.ts';
import { events, history, remainingBudget } from '../../slo/generate/series.ts';
import { loadDefinitions } from '../../slo/model/definitions.ts';
import { formatDuration } from '../../slo/model/duration.ts';
import type { Model } from '../../slo/model/model.ts';
import { LabFailure } from '../../lab/failure.ts';
import { compare, readRuleFiles } from './against.ts';
import { warmUp } from './alone.ts';
import { report, type Figures } from './figures.ts';
import { fleetOf, type Fleet } from './fleet.ts';
import { ruleSetFigures } from './others.ts';
import { openPlace } from '../place.ts';
import { writeResults } from '../results.ts';
import { Prometheus } from './prometheus.ts';
import { pyrraRules } from './pyrra.ts';
import { rewound } from './rewound.ts';
import { groupFigures, watch } from './rule-groups.ts';
import { epoch, seed } from './seed.ts';
import { slothRules } from './sloth.ts';
import { startThanos } from './thanos.ts';
import { tierFigures } from './tiers.ts';

const usage =
  'npm run bench slo -- [--clusters 10000] [--members 3] [--sampled 10] [--port 23900] [--write] [--without-thanos]\n' +
  'npm run bench slo -- --against <folder of rule files> [--rounds 3] [--clusters …] [--members …]';

export async function slo(args: string[], signal: AbortSignal): Promise<void> {
  const options = optionsOf(args);
  const definitions = loadDefinitions();
  const fleet = fleetOf(options.clusters, options.members, options.sampled, definitions.model);
  const place = openPlace();
  const sampled = fleet.clusters.slice(0, fleet.sampled);
  const loadBefore = loadavg()[0];

  const files = ruleFiles(definitions);
  const blocks = await seed(fleet, definitions, place, signal);
  if (options.against) {
    const others = readRuleFiles(options.against, Object.keys(files));
    const start = (name: 'others' | 'ours') =>
      Prometheus.start(place, blocks, options.port + (name === 'ours' ? 1 : 0), signal, name);
    const check = (prometheus: Prometheus, at: number) => checkBudgets(prometheus, fleet, definitions.model, at);
    return compare(others, files, options.rounds, start, check, signal);
  }
  const prometheus = await Prometheus.start(place, blocks, options.port, signal);
  let thanos: { url: string; stop(): void } | undefined;
  try {
    const sloth = await slothRules(sampled, definitions.model, place, signal);
    const groups = Object.values(files).flatMap((file) => file.groups);

    console.log('Evaluating our rules …');
    const { first, at: warm } = await warmUp(files, prometheus, epoch, signal);
    const rewind = Math.ceil((Date.now() - warm) / 1000);
    const now = () => Date.now() - rewind * 1000;
    const texts = Object.entries(files).map(([file, rules]) => [file, rewound(rules, rewind)]);
    const before = prometheus.scheduled();
    const begin = Date.now();
    await prometheus.load(Object.fromEntries(texts));
    const evaluations = await watch(
      prometheus,
      groups.map(({ name }) => name),
      signal
    );
    const after = prometheus.scheduled();
    const [ran, waited] = [after.ran - before.ran, after.waited - before.waited];
    const cpu = (ran * 1000) / (Date.now() - begin);
    const residentBytes = await prometheus.metric('process_resident_memory_bytes');
    const headSeries = await prometheus.metric('prometheus_tsdb_head_series');
    const at = now() - 60_000; // a time at which all groups have recorded
    await prometheus.load({});
    await sleep(5000, undefined, { signal });

    console.log('Counting the series and samples that they read …');
    await checkBudgets(prometheus, fleet, definitions.model, at);
    const figures = await groupFigures({ groups }, first, evaluations, prometheus, at);

    console.log('Running the queries of the tiers …');
    thanos = options.thanos ? await startThanos(place, prometheus, options.port + 1, signal) : undefined;
    const tiers = await tierFigures(
      files['recording/region.yaml'],
      definitions,
      sampled[0],
      prometheus,
      at,
      thanos?.url
    );
    thanos?.stop();

    console.log('Evaluating the rules of Sloth and Pyrra for some clusters …');
    const compare = (name: string, rules: typeof sloth) =>
      ruleSetFigures(name, rules, sampled.length, fleet.clusters.length, prometheus, rewind, signal);
    const others = [await compare('Sloth', sloth), await compare('Pyrra', pyrraRules(sampled, definitions.model))];
    const result: Figures = {
      clusters: fleet.clusters.length,
      members: fleet.members.length,
      cores: availableParallelism(),
      loadBefore,
      groups: figures,
      rules: groups.reduce((sum, { rules }) => sum + rules.length, 0),
      cpu,
      waiting: waited / (ran + waited),
      residentBytes,
      headSeries,
      tiers,
      others,
    };
    const text = report(result);
    console.log(`\n${text}`);
    if (options.write) {
      writeResults('slo', `${fleet.clusters.length}x${fleet.members.length}`, text, result);
    }
  } finally {
    thanos?.stop();
    await prometheus.stop();
  }
}

/** Throws if recorded series are missing. Rules whose input the seed lacks record nothing and cost too little. */
async function checkBudgets(prometheus: Prometheus, { clusters }: Fleet, model: Model, at: number) {
  const window = formatDuration(model.window);
  const expected: Array<[string, number]> = [
    [remainingBudget(window), clusters.length * model.objectives.length],
    [history(window), clusters.length * model.slis.length],
    [`${events('cluster', window)}{events="allowance"}`, clusters.length * model.slis.length],
    [`${events('cluster', window)}{events="bad"}`, clusters.length * model.slis.length],
    [`cluster:etcd_probe:success == 1`, clusters.length],
  ];
  for (const [series, want] of expected) {
    const found = [...(await prometheus.query(`count(${series})`, at)).values.values()][0] ?? 0;
    if (found !== want) {
      throw new LabFailure(
        `${series} has ${found} series instead of ${want}.`,
        'Add the series that the rules read to bench/slo/recorded-series.ts or raw-series.ts.'
      );
    }
  }
}

function optionsOf(args: string[]) {
  const { values } = parseArgs({
    args,
    options: {
      clusters: { type: 'string', default: '10000' },
      members: { type: 'string', default: '3' },
      sampled: { type: 'string', default: '10' },
      port: { type: 'string', default: '23900' },
      against: { type: 'string' },
      rounds: { type: 'string', default: '3' },
      write: { type: 'boolean', default: false },
      'without-thanos': { type: 'boolean', default: false },
    },
  });
  const number = (name: 'clusters' | 'members' | 'sampled' | 'port' | 'rounds') => {
    const value = Number(values[name]);
    if (!Number.isInteger(value) || value < 1) {
      throw new LabFailure(`--${name} is ${values[name]}, which is not a whole number above 0.`, usage);
    }
    return value;
  };
  return {
    clusters: number('clusters'),
    members: number('members'),
    sampled: number('sampled'),
    port: number('port'),
    against: values.against,
    rounds: number('rounds'),
    write: values.write,
    thanos: !values['without-thanos'],
  };
}
