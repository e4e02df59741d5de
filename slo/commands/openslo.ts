import path from 'node:path';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';
import { table } from '../../terminal/table.ts';
import { exportOpenSlo } from '../exchange/export.ts';
import { importOpenSlo } from '../exchange/import.ts';
import type { Unmapped } from '../exchange/openslo.ts';
import { writeFiles } from '../files.ts';
import { loadDefinitions, parseDefinitions, readDefinitions } from '../model/definitions.ts';
import { DefinitionError } from '../model/problem.ts';
import { UsageError, type Command } from './command.ts';
import { readTextFile } from './read-text-file.ts';

export const openslo: Command = {
  name: 'openslo',
  usage: 'export [--out FILE] [--definitions DIR] | import FILE [--out DIR]',
  summary: 'translates the definitions to OpenSLO v1, or OpenSLO v1 to definitions, and says what has no place there',
  async run(args) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: { out: { type: 'string' }, definitions: { type: 'string' } },
    });
    const [direction, file, ...more] = positionals;
    if (direction === 'export' && file === undefined) {
      exportTo(values.out, values.definitions);
    } else if (direction === 'import' && file !== undefined && more.length === 0) {
      importFrom(file, values.out);
    } else {
      throw new UsageError('Write openslo export, or openslo import and a file.');
    }
  },
};

function exportTo(out: string | undefined, directory: string | undefined) {
  const { documents, unmapped } = exportOpenSlo(loadDefinitions(directory && path.resolve(directory)));
  const text = documents.map((document) => stringify(document, { lineWidth: 0 })).join('---\n');
  const content = `# Exported by npm run slo -- openslo export.\n${comment(unmapped)}---\n${text}`;
  if (out === undefined) {
    process.stdout.write(content);
    return;
  }
  writeFiles(path.dirname(out), { [path.basename(out)]: content });
  console.log(`${out}: ${documents.length} documents\n\n${list(unmapped)}`);
}

function importFrom(file: string, out: string | undefined) {
  const { texts, unmapped } = importOpenSlo(readTextFile(file, file), file);
  if (out === undefined) {
    process.stdout.write(
      Object.entries(texts)
        .map(([name, text]) => `# ---- ${name}\n${text}`)
        .join('\n')
    );
    process.stdout.write(`\n${comment(unmapped)}`);
  } else {
    writeFiles(out, texts);
    console.log([...Object.keys(texts).map((name) => path.join(out, name)), '', list(unmapped)].join('\n'));
  }
  const missing = problemsOf(texts);
  if (missing) {
    console.error(`\nBefore these are whole definitions:\n${missing}`);
  }
}

/** What the imported definitions lack to be used as they are. */
function problemsOf(texts: ReturnType<typeof importOpenSlo>['texts']): string | undefined {
  try {
    parseDefinitions({ ...readDefinitions(), ...texts }, '');
    return undefined;
  } catch (error) {
    if (error instanceof DefinitionError) {
      return error.message;
    }
    throw error;
  }
}

function list(unmapped: Unmapped[]): string {
  const rows = unmapped.map(({ field, why, remedy }) => [field, why, remedy]);
  return unmapped.length ? table(['HAS NO PLACE THERE', 'BECAUSE', 'SO'], rows) : 'Everything has its place.';
}

const comment = (unmapped: Unmapped[]) =>
  ['What has no place here:', ...unmapped.map(({ field, why, remedy }) => `  ${field}: ${why} ${remedy}`)]
    .map((line) => `# ${line}\n`)
    .join('');
