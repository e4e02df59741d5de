import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

const root = path.resolve(import.meta.dirname, '..');
const map = readFileSync(path.join(root, 'docs/architecture.md'), 'utf8').split('## Folders')[1];

const tops = [
  'api',
  'bench',
  'cmd',
  'cruiser',
  'dashboards',
  'deploy',
  'docs',
  'internal',
  'lab',
  'operator',
  'pkg',
].concat(['provisioning', 'rules', 'scripts', 'slo', 'src', 'terminal', 'tests']);

for (const folder of tops) {
  test(`docs/architecture.md says what is in ${folder}/ and in each of its folders`, () => {
    const folders = [folder, ...foldersIn(folder)];
    assert.deepEqual(
      folders.filter((name) => !map.includes(`\`${name}/\``)),
      []
    );
  });
}

/** Those with files: Git leaves empty ones behind. */
function foldersIn(folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => `${folder}/${name}`)
    .filter((inner) => readdirSync(path.join(root, inner)).length > 0);
}
