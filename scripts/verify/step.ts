// A step of npm run verify: a command, how to count what it tested, and where its output goes.
import { execa } from 'execa';
import { createWriteStream } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { nothing, type Counts } from './counts.ts';

export const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');
const logs = path.join(root, '.lab', 'verify');

export interface Step {
  name: string;
  run: (log: string) => Promise<Counts>;
}

interface CommandOptions {
  /** Counts the tests in the command's standard output; without it the command itself is the one check. */
  count?: (output: string) => Counts;
  env?: Record<string, string | undefined>;
  cwd?: string;
  timeoutMinutes?: number;
}

/** A step that is one command. */
export function command(name: string, argv: string[], options: CommandOptions = {}): Step {
  return { name, run: (log) => runCommand(argv, log, options) };
}

export async function runCommand(argv: string[], log: string, options: CommandOptions = {}): Promise<Counts> {
  const [program, ...args] = argv;
  const child = execa(program, args, {
    cwd: options.cwd ?? root,
    env: options.env,
    preferLocal: true,
    localDir: root,
    reject: false,
    buffer: { stdout: options.count !== undefined, stderr: false },
    maxBuffer: 1_000_000_000,
    stdin: 'ignore',
    timeout: (options.timeoutMinutes ?? 30) * 60_000,
  });
  const file = createWriteStream(log, { flags: 'a' });
  child.stdout.pipe(file, { end: false });
  child.stderr.pipe(file, { end: false });
  const result = await child;
  await new Promise((resolve) => file.end(resolve));
  const counts = options.count ? options.count(result.stdout ?? '') : nothing;
  const failedOtherwise = result.exitCode !== 0 && counts.failed === 0 ? 1 : 0;
  const passedAsWhole = result.exitCode === 0 && !options.count ? 1 : 0;
  return { ...counts, passed: counts.passed + passedAsWhole, failed: counts.failed + failedOtherwise };
}

/** Runs a step and prints a line about it, with the log's tail when it fails. Never throws. */
export async function perform(step: Step): Promise<Counts> {
  await mkdir(logs, { recursive: true });
  const log = path.join(logs, `${step.name.replaceAll(/[^a-zA-Z0-9]+/g, '-')}.log`);
  await writeFile(log, '');
  const begin = Date.now();
  let counts: Counts;
  let thrown = '';
  try {
    counts = await step.run(log);
  } catch (error) {
    counts = { ...nothing, failed: 1 };
    thrown = error instanceof Error ? error.message : String(error);
  }
  const seconds = ((Date.now() - begin) / 1000).toFixed(0);
  const lines = [
    `· ${step.name}: ${counts.failed ? 'FAILED' : 'ok'} (${counts.passed} passed, ${counts.failed} failed, ${seconds} s)`,
  ];
  if (counts.failed) {
    const said = counts.failures?.length ? counts.failures : [await readFile(log, 'utf8')];
    const tails = said.map((text) => text.trimEnd().split('\n').slice(-60).join('\n'));
    lines.push(...tails, thrown, `The whole output: ${path.relative(root, log)}`);
  }
  console.log(lines.filter(Boolean).join('\n')); // at once, because steps run side by side
  return counts;
}
