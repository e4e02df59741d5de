// The programs that check rules, as the lab builds them.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const longestRun = 300_000;

type Program = 'promtool' | 'prometheus' | 'thanos';

export interface Outcome {
  ok: boolean;
  output: string;
}

/** Where a program of the lab is, if it is built. */
export function findProgram(name: Program): string | undefined {
  const program = path.resolve(root, process.env.ETCDFLEET_BIN || '.lab/bin', name);
  return existsSync(program) ? program : undefined;
}

/** Runs a program to its end. Throws when it is not built. */
export function run(name: Program, args: string[]): Promise<Outcome> {
  const program = findProgram(name);
  if (!program) {
    throw new Error(`There is no ${name}: run npm run lab -- build ${name}, or set ETCDFLEET_BIN to where it is.`);
  }
  return new Promise((resolve, reject) => {
    execFile(program, args, { timeout: longestRun, maxBuffer: 64 * 1024 * 1024 }, (error, stdout, stderr) =>
      error?.killed
        ? reject(
            new Error(`${name} did not end within ${longestRun / 1000} s. Run it again when the machine is less busy.`)
          )
        : resolve({ ok: !error, output: `${stdout}${stderr}` })
    );
  });
}

/** Prometheus's own judgement on rule files. Thanos's fields, which Prometheus does not know, are let pass. */
export const checkRules = (files: string[]) => run('promtool', ['check', 'rules', '--ignore-unknown-fields', ...files]);

/** Thanos's own judgement on rule files: it reads its fields too. */
export const checkThanosRules = (files: string[]) =>
  run('thanos', ['tools', 'rules-check', '--log.level=error', ...files.map((file) => `--rules=${file}`)]);

/** Runs test files of `promtool test rules`. */
export const testRules = (files: string[]) => run('promtool', ['test', 'rules', '--ignore-unknown-fields', ...files]);
