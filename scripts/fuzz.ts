// npm run fuzz: runs Go's fuzz targets with random inputs for a while, one at a time. Inputs that reach new code are
// kept in .lab/fuzz for the next run. A failing input is written into the package's testdata/fuzz, where it becomes a
// regression test: fix the bug and commit both.
import { execa } from 'execa';
import { glob } from 'glob';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { parseTime, readFindings, shareOf, targetsIn, type Target } from './fuzzing/targets.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const home = path.join(root, '.lab', 'fuzz');

const usage = `npm run fuzz -- [--time 90s] [--target PATTERN]

  --time     the total time of all targets, divided evenly: 90s (the default), 20m, 8h
  --target   a regular expression for package and name, such as 'inventory' or 'FuzzQuery$'`;

/** The time that a target may take beyond its share, to start and to minimize a failing input. */
const graceSeconds = 180;

async function findTargets(pattern: string): Promise<Target[]> {
  const files = await glob('**/*_test.go', { cwd: root, ignore: ['node_modules/**', '.lab/**', 'dist/**'] });
  const found = await Promise.all(
    files.sort().map(async (file) => targetsIn(file, await readFile(path.join(root, file), 'utf8')))
  );
  return found.flat().filter(({ folder, name }) => new RegExp(pattern).test(`${folder} ${name}`));
}

const binaryOf = (folder: string) => path.join(home, `${folder.replaceAll('/', '-')}.test`);

/**
 * Compiles a package's tests with coverage instrumentation for the project's own code only. `go test -fuzz` would also
 * recompile each dependency, such as Kubernetes' client, which takes half an hour, and their coverage is of no use
 * here.
 */
async function build(folder: string): Promise<void> {
  const instrument = 'github.com/etcdfleet/etcd-fleet/...=-d=libfuzzer';
  const args = ['test', '-c', `-gcflags=${instrument}`, '-o', binaryOf(folder), `./${folder}`];
  const { exitCode } = await execa('go', args, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'], reject: false });
  if (exitCode !== 0) {
    throw new Error(`go ${args.join(' ')} failed: see its output above`);
  }
}

/** Runs a target and prints one line with the result. */
async function run({ folder, name }: Target, seconds: number): Promise<{ executions: number; failed: boolean }> {
  const { all, exitCode, timedOut } = await execa(
    binaryOf(folder),
    [
      '-test.run=^$',
      `-test.fuzz=^${name}$`,
      `-test.fuzztime=${seconds}s`,
      `-test.fuzzcachedir=${path.join(home, 'inputs', folder)}`,
      '-test.paniconexit0',
    ],
    {
      cwd: path.join(root, folder),
      all: true,
      reject: false,
      stdin: 'ignore',
      timeout: (seconds + graceSeconds) * 1000,
    }
  );
  const { executions, interesting, failing, cutOff } = readFindings(all ?? '');
  const failed = (exitCode !== 0 && !cutOff) || executions === 0;
  console.log(
    `${failed ? 'FAILED' : 'ok'}  ${folder} ${name}: ${executions} executions, ${interesting} new interesting inputs`
  );
  if (failed) {
    console.log(all);
    console.log(timedOut ? `It did not stop within ${graceSeconds} s after its time: an input may loop forever.` : '');
    console.log(failing ? `The failing input: ${path.join(folder, failing)}` : 'It failed without an input.');
  }
  return { executions, failed };
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      time: { type: 'string', default: '90s' },
      target: { type: 'string', default: '' },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    console.log(usage);
    return true;
  }
  const time = parseTime(values.time);
  const targets = await findTargets(values.target);
  if (targets.length === 0) {
    throw new Error(`no fuzz target matches ${JSON.stringify(values.target)}: correct --target`);
  }
  await mkdir(home, { recursive: true });
  for (const folder of new Set(targets.map((target) => target.folder))) {
    await build(folder);
  }
  const share = shareOf(time, targets.length);
  console.log(`${targets.length} targets, ${share} s each`);
  let executions = 0;
  const failed: string[] = [];
  for (const target of targets) {
    const result = await run(target, share);
    executions += result.executions;
    if (result.failed) {
      failed.push(target.name);
    }
  }
  console.log(
    `${executions} executions of ${targets.length} targets, ${failed.length} failed ${failed.join(' ')}`.trimEnd()
  );
  return failed.length === 0;
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
