// What a browser loads of the plugins: Grafana loads the entry of every app before its first page.
import { glob } from 'glob';
import { appendFile, readFile } from 'node:fs/promises';
import path from 'node:path';
import { gzipSync } from 'node:zlib';

import { type Counts, nothing } from './counts.ts';

/** The largest sizes in kB after gzip, by the file in dist/; the first that matches counts. */
const budgets: Array<[file: RegExp, kilobytes: number]> = [
  [/^module\.js$/, 10],
  [/^(datasource|panels\/[^/]+)\/module\.js$/, 30],
  [/^[^/]+\.js$/, 100], // a page
];

/** Compares every bundle with its budget. One without a budget fails. */
export async function checkBundles(dist: string, log: string): Promise<Counts> {
  const counts = { ...nothing };
  for (const file of (await glob('**/*.js', { cwd: dist, posix: true })).sort()) {
    const size = gzipSync(await readFile(path.join(dist, file))).length / 1000;
    const budget = budgets.find(([pattern]) => pattern.test(file))?.[1] ?? 0;
    const fits = size <= budget;
    counts[fits ? 'passed' : 'failed'] += 1;
    await appendFile(log, `${fits ? 'ok' : 'not ok'} ${file}: ${size.toFixed(1)} kB of ${budget} kB (gzip)\n`);
  }
  return counts.passed + counts.failed === 0 ? { ...counts, failed: 1 } : counts;
}
