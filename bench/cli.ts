// npm run bench <name>: measures the project at the size of a fleet. bench/README.md explains the figures.
import { describeFailure, LabFailure } from '../lab/failure.ts';
import { datasource } from './datasource/datasource.ts';
import { inspect } from './inspect/inspect.ts';
import { slo } from './slo/slo.ts';

/** The benchmarks by folder name. */
const benchmarks: Record<string, (args: string[], signal: AbortSignal) => Promise<void>> = { datasource, inspect, slo };

const stop = new AbortController();
// Not once: with no handler left, the one of execa ends this process before the servers are stopped.
process.on('SIGINT', () => stop.abort());
process.on('SIGTERM', () => stop.abort());

const [name = '', ...args] = process.argv.slice(2);
try {
  const benchmark = benchmarks[name];
  if (!benchmark) {
    throw new LabFailure(
      `There is no benchmark ${JSON.stringify(name)}.`,
      `Use: npm run bench ${Object.keys(benchmarks).join(' | ')}`
    );
  }
  await benchmark(args, stop.signal);
} catch (error) {
  console.error(stop.signal.aborted ? 'Stopped.' : describeFailure(error));
  process.exitCode = 1;
}
