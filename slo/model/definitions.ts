// The definition files on disk.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  definitionsFolder,
  parseDefinitions,
  type DefinitionFile,
  type Definitions,
  type DefinitionTexts,
} from './parse.ts';
import { definitionFiles } from './schema.ts';

export { changeDeployment, parseDefinitions } from './parse.ts';
export type { DefinitionFile, Definitions, DefinitionTexts } from './parse.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../..');

/** The project's own definitions, or those in another folder. Throws a DefinitionError with all that is wrong. */
export function loadDefinitions(directory = path.join(root, definitionsFolder)): Definitions {
  return parseDefinitions(readDefinitions(directory), path.relative(root, directory));
}

export function readDefinitions(directory = path.join(root, definitionsFolder)): DefinitionTexts {
  const names = Object.keys(definitionFiles) as DefinitionFile[];
  return Object.fromEntries(
    names.map((name) => [name, readFileSync(path.join(directory, name), 'utf8')])
  ) as DefinitionTexts;
}
