// Writes every generated file of the project from its source. With --check it writes nothing and fails when a file
// is out of date. One entry a kind of file; each returns what the files should hold.
import { execa } from 'execa';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { dashboards } from '../dashboards/src/index.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** File name, relative to the project, to content. */
type Files = Record<string, string>;

const generators: Record<string, () => Promise<Files>> = {
  'dashboards (dashboards/src)': generateDashboards,
  'custom resources and deep copies (api/v1beta1)': generateApi,
};

async function generateDashboards(): Promise<Files> {
  const entries = Object.entries(dashboards).map(([name, build]) => [
    `dashboards/${name}.json`,
    `${JSON.stringify(build(), null, 2)}\n`,
  ]);
  return Object.fromEntries(entries);
}

async function generateApi(): Promise<Files> {
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'etcdfleet-generate-'));
  try {
    await execa(
      'go',
      [
        ...['tool', 'controller-gen', 'paths=./api/...'],
        ...['object', `output:object:dir=${scratch}/object`],
        ...['crd:allowDangerousTypes=true', `output:crd:dir=${scratch}/crds`],
      ],
      { cwd: root }
    );
    return {
      ...(await readAll(`${scratch}/crds`, 'deploy/crds')),
      ...(await readAll(`${scratch}/object`, 'api/v1beta1')),
    };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function readAll(from: string, to: string): Promise<Files> {
  const names = await readdir(from);
  const contents = await Promise.all(names.map((name) => readFile(path.join(from, name), 'utf8')));
  return Object.fromEntries(names.map((name, index) => [`${to}/${name}`, contents[index]]));
}

async function main(check: boolean) {
  const stale: string[] = [];
  for (const [what, generate] of Object.entries(generators)) {
    const files = await generate();
    for (const [file, content] of Object.entries(files)) {
      const current = await readFile(path.join(root, file), 'utf8').catch(() => undefined);
      if (current === content) {
        continue;
      }
      stale.push(file);
      if (!check) {
        await writeFile(path.join(root, file), content);
      }
    }
    console.log(`${what}: ${Object.keys(files).length} files`);
  }
  if (!check) {
    console.log(stale.length ? `Written: ${stale.join(', ')}` : 'Everything was up to date.');
  } else if (stale.length) {
    console.error(`Out of date: ${stale.join(', ')}. Run \`npm run generate\` and commit the result.`);
    process.exitCode = 1;
  }
}

await main(process.argv.includes('--check'));
