import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Keeps a report and its figures in the folder results of a benchmark. */
export function writeResults(benchmark: string, name: string, text: string, figures: unknown): void {
  const folder = path.join(import.meta.dirname, benchmark, 'results');
  mkdirSync(folder, { recursive: true });
  writeFileSync(path.join(folder, `${name}.md`), `${text}\n`);
  writeFileSync(path.join(folder, `${name}.json`), `${JSON.stringify(figures, null, 2)}\n`);
  console.log(`\nWritten to bench/${benchmark}/results/${name}.md and .json.`);
}
