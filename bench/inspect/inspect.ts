// npm run bench inspect: measures the cost of inspections at the size of a fleet and their effect on clients.
import { execa } from 'execa';
import { availableParallelism, loadavg } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';

import { LabFailure } from '../../lab/failure.ts';
import { openPlace } from '../place.ts';
import { writeResults } from '../results.ts';
import { type CostFigures, type FleetFigures, report } from './figures.ts';

const usage =
  'npm run bench inspect -- [--clusters 10000] [--steady 5m] [--keys 500000] [--window 30s] [--only fleet|cost] [--write]';

export async function inspect(args: string[], signal: AbortSignal): Promise<void> {
  const options = optionsOf(args);
  const directory = path.join(openPlace().directory, 'inspect');
  const loadBefore = loadavg()[0];
  const measure = async <T>(name: 'fleet' | 'cost', flags: string[]): Promise<T | undefined> => {
    if (options.only && options.only !== name) {
      return undefined;
    }
    const dir = `--dir=${path.join(directory, name)}`;
    const { stdout } = await execa('go', ['run', `./bench/inspect/${name}`, dir, ...flags], {
      cwd: path.resolve(import.meta.dirname, '../..'),
      stderr: 'inherit',
      cancelSignal: signal,
      killSignal: 'SIGINT',
      forceKillAfterDelay: 60_000,
    });
    return JSON.parse(stdout) as T;
  };
  const figures = {
    cores: availableParallelism(),
    loadBefore,
    keys: Number(options.keys),
    fleet: await measure<FleetFigures>('fleet', [`--clusters=${options.clusters}`, `--steady=${options.steady}`]),
    cost: await measure<CostFigures[]>('cost', [`--keys=${options.keys}`, `--window=${options.window}`]),
  };
  const text = report(figures);
  console.log(`\n${text}`);
  if (options.write) {
    writeResults('inspect', 'inspect', text, figures);
  }
}

function optionsOf(args: string[]) {
  try {
    const { values } = parseArgs({
      args,
      options: {
        clusters: { type: 'string', default: '10000' },
        steady: { type: 'string', default: '5m' },
        keys: { type: 'string', default: '500000' },
        window: { type: 'string', default: '30s' },
        only: { type: 'string' },
        write: { type: 'boolean', default: false },
      },
    });
    if (values.only !== undefined && !['fleet', 'cost'].includes(values.only)) {
      throw new Error(`--only is ${values.only}: it must be fleet or cost`);
    }
    return values;
  } catch (error) {
    throw new LabFailure((error as Error).message, usage);
  }
}
