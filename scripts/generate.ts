// Generates all generated files of the project from their sources. With --check it writes nothing and fails if a file
// is out of date or no longer has a source. With --apply it also applies the rules to the running lab, after promtool
// and Thanos have accepted them. There is one generator per kind of file, which returns the expected contents.
import { execa } from 'execa';
import { glob } from 'glob';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { dashboards } from '../dashboards/src/index.ts';
import { describeFailure } from '../lab/failure.ts';
import { openLab } from '../lab/lab.ts';
import { applyRules, rulesToApply } from '../lab/slo/apply.ts';
import { UsageError } from '../slo/commands/command.ts';
import { promtoolTexts } from '../slo/fixtures/index.ts';
import { constantFiles, constants } from '../slo/generate/constants.ts';
import { ruleTexts } from '../slo/generate/files.ts';
import { readExprs } from '../slo/generate/read-exprs.ts';
import { loadDefinitions } from '../slo/model/definitions.ts';
import { jsonSchemas } from '../slo/model/json-schemas.ts';
import { DefinitionError } from '../slo/model/problem.ts';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** Contents by file name, relative to the project. */
type Files = Record<string, string>;

interface Generator {
  /** The kind of files, and their source. */
  what: string;
  generate: () => Promise<Files>;
  /** Globs that match generated files only. Files that no longer have a source are removed. */
  owned: string[];
}

/** The order matters: the rules' allow-list reads the dashboards. */
const generators: Generator[] = [
  {
    what: 'dashboards (dashboards/src)',
    generate: generateDashboards,
    owned: ['dashboards/!(package).json'],
  },
  {
    what: 'custom resources and deep copies (api/v1beta1)',
    generate: generateApi,
    owned: ['deploy/crds/*', 'api/v1beta1/zz_generated.*'],
  },
  {
    what: 'rules and their tests (slo/definitions)',
    generate: generateRules,
    owned: ['rules/**'],
  },
  {
    what: 'windows and factors for the datasource (slo/definitions)',
    generate: async () => constants(loadDefinitions()),
    owned: Object.values(constantFiles),
  },
  {
    what: 'JSON Schemas of the definitions (slo/model/schema.ts)',
    generate: async () => jsonSchemas(),
    owned: ['slo/schema/*'],
  },
];

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

async function generateRules(): Promise<Files> {
  const definitions = loadDefinitions();
  const texts = {
    ...ruleTexts(definitions, readExprs(), 'npm run generate'),
    ...promtoolTexts(definitions, 'npm run generate'),
  };
  return Object.fromEntries(Object.entries(texts).map(([file, text]) => [`rules/${file}`, text]));
}

async function readAll(from: string, to: string): Promise<Files> {
  const names = await readdir(from);
  const contents = await Promise.all(names.map((name) => readFile(path.join(from, name), 'utf8')));
  return Object.fromEntries(names.map((name, index) => [`${to}/${name}`, contents[index]]));
}

async function generateAll(check: boolean) {
  const written: string[] = [];
  const removed: string[] = [];
  for (const { what, generate, owned } of generators) {
    const files = await generate();
    for (const [file, content] of Object.entries(files)) {
      const current = await readFile(path.join(root, file), 'utf8').catch(() => undefined);
      if (current === content) {
        continue;
      }
      written.push(file);
      if (!check) {
        await mkdir(path.dirname(path.join(root, file)), { recursive: true });
        await writeFile(path.join(root, file), content);
      }
    }
    for (const file of await glob(owned, { cwd: root, nodir: true, posix: true })) {
      if (file in files) {
        continue;
      }
      removed.push(file);
      if (!check) {
        await rm(path.join(root, file));
      }
    }
    console.log(`${what}: ${Object.keys(files).length} files`);
  }
  report(check, written, removed);
}

function report(check: boolean, written: string[], removed: string[]) {
  const lines = [
    ...(written.length ? [`${check ? 'Out of date' : 'Written'}: ${written.join(', ')}.`] : []),
    ...(removed.length ? [`${check ? 'Without a source' : 'Removed'}: ${removed.join(', ')}.`] : []),
  ];
  if (lines.length === 0) {
    console.log('Everything was up to date.');
  } else if (!check) {
    console.log(lines.join('\n'));
  } else {
    console.error([...lines, 'Run `npm run generate` and commit the result.'].join('\n'));
    process.exitCode = 1;
  }
}

/** Generates and applies. Invalid rules are refused before anything is written. */
async function generateAndApply() {
  const lab = openLab();
  const rules = await rulesToApply(lab);
  await generateAll(false);
  console.log((await applyRules(lab, rules)).join('\n'));
}

try {
  const flags = process.argv.slice(2);
  const unknown = flags.find((flag) => flag !== '--check' && flag !== '--apply');
  if (unknown !== undefined || flags.length > 1) {
    throw new UsageError('Use --check to write nothing, --apply to apply the rules to the running lab, or neither.');
  }
  await (flags.includes('--apply') ? generateAndApply() : generateAll(flags.includes('--check')));
} catch (error) {
  const forPeople = error instanceof DefinitionError || error instanceof UsageError;
  console.error(forPeople ? error.message : describeFailure(error));
  process.exitCode = 1;
}
