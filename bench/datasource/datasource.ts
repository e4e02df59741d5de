// npm run bench datasource: measures the Grafana datasource in front of real servers that hold a whole fleet.
import { execa } from 'execa';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { goBuild } from '../../lab/build/go.ts';
import { LabFailure } from '../../lab/failure.ts';
import { loadDefinitions } from '../../slo/model/definitions.ts';
import { openPlace, type Place } from '../place.ts';
import { writeResults } from '../results.ts';
import { Prometheus } from '../slo/prometheus.ts';
import { buildSeed } from '../slo/seed.ts';
import { startThanos } from '../slo/thanos.ts';
import { type Figures, report } from './figures.ts';
import { datasourceFleet, type Fleet, members } from './fleet.ts';
import { datasourceFamilies, type Times } from './series.ts';

const usage =
  'npm run bench datasource -- [--clusters 10000] [--records 20] [--events 2000] [--runs 20] [--port 24900] [--cpuprofile <file>] [--write]';

const minute = 60_000;

/** Dashboards show the last hour; rates and the lookback read a little further. */
const past = 70 * minute;
/** Faults are younger than the 30 minutes that a diagnosis reads. */
const faultAge = 5 * minute;
/** Longer than any run: its queries ask for now. */
const future = 75 * minute;

export async function datasource(args: string[], signal: AbortSignal): Promise<void> {
  const options = optionsOf(args);
  const { model } = loadDefinitions();
  const place = openPlace();
  const directory = path.join(place.directory, 'datasource');
  rmSync(directory, { recursive: true, force: true });
  mkdirSync(directory, { recursive: true });
  const fleet = datasourceFleet(options.clusters, model);
  const loadBefore = loadavg()[0];
  const root = path.resolve(import.meta.dirname, '../..');
  const measure = path.join(place.directory, 'bin', 'measure');
  await goBuild({ directory: root, packages: ['./bench/datasource/measure'], output: measure, signal });

  const now = Date.now();
  const blocks = path.join(directory, 'blocks');
  const times = { from: now - past, fault: now - faultAge, to: now + future };
  const series = await seed(place, fleet, datasourceFamilies(fleet, model, times), times, blocks, signal);
  const fleetFile = path.join(directory, 'fleet.json');
  writeFileSync(fleetFile, JSON.stringify(fleet));
  const prometheus = await Prometheus.start(place, blocks, options.port, signal, 'datasource/prometheus');
  let thanos: { url: string; stop(): void } | undefined;
  try {
    thanos = await startThanos(place, prometheus, options.port + 1, signal);
    const flags = ['records', 'events', 'runs'].map((name) => `--${name}=${options[name as 'records']}`);
    const { stdout } = await execa(
      measure,
      [
        `--fleet=${fleetFile}`,
        `--thanos=${thanos.url}`,
        `--root-pid=${process.pid}`,
        `--cpuprofile=${options.cpuprofile}`,
        ...flags,
      ],
      { cwd: root, stderr: 'inherit', cancelSignal: signal, killSignal: 'SIGINT', forceKillAfterDelay: 60_000 }
    );
    const figures: Figures = {
      ...(JSON.parse(stdout) as Omit<Figures, 'cores' | 'loadBefore' | 'series'>),
      cores: availableParallelism(),
      loadBefore,
      series,
    };
    const text = report(figures);
    console.log(`\n${text}`);
    if (options.write) {
      writeResults('datasource', `${options.clusters}`, text, figures);
    }
  } finally {
    thanos?.stop();
    await prometheus.stop();
  }
}

/** Writes the blocks and returns the number of series. */
async function seed(
  place: Place,
  fleet: Fleet,
  families: unknown[],
  { from, to }: Times,
  directory: string,
  signal: AbortSignal
): Promise<number> {
  const program = await buildSeed(place, signal);
  mkdirSync(directory, { recursive: true });
  console.log('Writing the series …');
  const { stdout } = await execa(program, {
    input: JSON.stringify({
      directory,
      blocks: [{ from, to }],
      clusters: fleet.clusters.map(({ labels }) => labels),
      members,
      sampled: 0,
      families,
    }),
    stderr: 'inherit',
    cancelSignal: signal,
  });
  console.log(stdout);
  return Number(/^(\d+) series/.exec(stdout)?.[1]);
}

function optionsOf(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        clusters: { type: 'string', default: '10000' },
        records: { type: 'string', default: '20' },
        events: { type: 'string', default: '2000' },
        runs: { type: 'string', default: '20' },
        port: { type: 'string', default: '24900' },
        cpuprofile: { type: 'string', default: '' },
        write: { type: 'boolean', default: false },
      },
    });
    const number = (name: 'clusters' | 'records' | 'events' | 'runs' | 'port', least: number) => {
      const value = Number(values[name]);
      if (!Number.isInteger(value) || value < least) {
        throw new Error(`--${name} is ${values[name]}: it must be a whole number from ${least} on`);
      }
      return value;
    };
    return {
      // Fewer clusters leave regions without each kind of fault.
      clusters: number('clusters', 200),
      records: number('records', 1),
      events: number('events', 1),
      runs: number('runs', 1),
      port: number('port', 1),
      cpuprofile: values.cpuprofile && path.resolve(values.cpuprofile),
      write: values.write,
    };
  } catch (error) {
    throw new LabFailure((error as Error).message, usage);
  }
}
