// npm run verify: every check of the project, each on real components where the behaviour comes from them. Programs are
// built first. Then two lanes run side by side, because tests in a lab mostly wait. The last line counts what passed and
// failed; skipped tests are listed with the reason.
import { chromium } from '@playwright/test';
import { execa } from 'execa';
import { glob } from 'glob';
import { existsSync, rmSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import { isGrafanaHome, systemHome } from '../lab/grafana/source.ts';
import { type LabOptions, labCommand, startLab } from '../lab/running-lab.ts';
import { fleetURL } from '../lab/services/fleet.ts';
import { checkRules, checkThanosRules, testRules, type Outcome } from '../slo/promtool.ts';
import { installDebianPackages, unpackDebianProgram } from './debian.ts';
import { checkBundles } from './verify/bundles.ts';
import { add, goTest, jest, nodeTest, nothing, playwright, type Counts } from './verify/counts.ts';
import { runLanes } from './verify/lanes.ts';
import { command, root, runCommand, type Step } from './verify/step.ts';

const bin = `${root}/.lab/bin`;
const tsx = [process.execPath, '--import', 'tsx'];

/** The lab of all steps that need one. */
const lab: LabOptions = { dir: `${root}/.lab/verify/lab`, portBase: 28000 };
const labVariables = { LAB_DIR: lab.dir, LAB_PORT_BASE: String(lab.portBase) };

/** Programs that the steps of both lanes use. */
const builds: Step[] = [
  command('tools', [...tsx, 'lab/cli.ts', 'build'], { timeoutMinutes: 60 }),
  { name: 'etcd 3.4', run: fetchEtcd34 },
  command('front end, build', ['npm', 'run', 'build']),
  command('backend, build', [...tsx, 'scripts/build-backend.ts']),
];

const withoutLab: Step[] = [
  command('format', ['prettier', '--check', '.']),
  command('format of Go', [`${bin}/golangci-lint`, 'fmt', '--diff', './...']),
  command('lint', ['eslint', '--max-warnings', '0', '.']),
  command('imports', ['depcruise', '.']),
  command('lint of Go', [`${bin}/golangci-lint`, 'run', './...'], {
    env: { GOLANGCI_LINT_CACHE: `${root}/.lab/golangci-lint` }, // the shared one also reports files of deleted checkouts
  }),
  command('types of the front end', ['tsc', '--noEmit']),
  command('types of the tools', ['tsc', '--noEmit', '-p', 'tsconfig.node.json']),
  command('generated files', [...tsx, 'scripts/generate.ts', '--check']),
  { name: 'configuration of Prometheus and Alertmanager', run: checkPrometheus },
  { name: 'rules', run: checkAllRules },
  { name: 'compose file', run: checkCompose },
  { name: 'bundle sizes', run: (log) => checkBundles(`${root}/dist`, log) },
  command('front end, unit', ['jest', '--maxWorkers', '2', '--json'], { count: jest }),
  // Tests with clusters mostly wait, for elections and time-outs: more of them at once than there are cores.
  command('Go, unit and integration', ['go', 'test', '-race', '-parallel', '4', '-json', '-timeout', '40m', './...'], {
    count: goTest,
    timeoutMinutes: 60,
  }),
  { name: 'tools, unit', run: testTools },
  command('fuzzing', [...tsx, 'scripts/fuzz.ts', '--time', '90s'], { timeoutMinutes: 60 }),
];

/** All of them use one lab: what needs a history without faults comes first, what stops the lab comes last. */
const inTheLab: Step[] = [
  { name: 'browser', run: testBrowser },
  labSuite('lab, alerts', 'lab/alerts.itest.ts'),
  labSuite('lab, inspections', 'lab/inspections.itest.ts'),
  labSuite('lab, integration', 'lab/lab.itest.ts'),
  { name: 'Grafana', run: testInGrafana },
];

function labSuite(name: string, file: string): Step {
  return command(name, [...tsx, '--test', '--test-reporter=tap', file], { count: nodeTest, env: labVariables });
}

/** The one version that cannot be built from its module. Without it the Go tests that need it skip themselves. */
async function fetchEtcd34(): Promise<Counts> {
  const source = { package: 'etcd-server', program: 'usr/bin/etcd', version: 'etcd Version: 3.4.' };
  const problem = await unpackDebianProgram(source, `${bin}/etcd-3.4`);
  return problem ? { ...nothing, skipped: [`etcd 3.4 in tests: ${problem}`] } : nothing;
}

async function testTools(log: string): Promise<Counts> {
  const folders = ['bench', 'dashboards', 'lab', 'scripts', 'slo', 'terminal'];
  const files = await glob(
    folders.map((folder) => `${folder}/**/*.test.ts`),
    { cwd: root }
  );
  return runCommand([...tsx, '--test', '--test-reporter=tap', ...files.sort()], log, { count: nodeTest });
}

async function checkPrometheus(log: string): Promise<Counts> {
  const files = await glob('deploy/prometheus/*.{yml,yaml}', { cwd: root });
  const checked = await runCommand([`${bin}/promtool`, 'check', 'config', '--syntax-only', ...files], log);
  const routes = await glob('deploy/alertmanager/*.yaml', { cwd: root });
  return add(checked, await runCommand([`${bin}/amtool`, 'check-config', ...routes], log));
}

/** The checked-in rules as Prometheus and Thanos read them, and their tests. */
async function checkAllRules(log: string): Promise<Counts> {
  const files = async (folder: string) => (await glob(`rules/${folder}/*.yaml`, { cwd: root, absolute: true })).sort();
  const rules = [...(await files('recording')), ...(await files('alerts'))];
  const tests = (await files('tests')).filter((file) => !path.basename(file).startsWith('rules-')); // rules for a test
  const outcomes = [await checkRules(rules), await checkThanosRules(rules)];
  for (const file of tests) {
    outcomes.push(await testRules([file]));
  }
  await appendFile(log, outcomes.map(({ output }) => output).join('\n'));
  const passed = outcomes.filter(({ ok }: Outcome) => ok).length;
  return { ...nothing, passed, failed: outcomes.length - passed };
}

async function checkCompose(log: string): Promise<Counts> {
  const program = await findCompose();
  if (!program) {
    return { ...nothing, skipped: ['compose file: neither docker compose nor docker-compose can be had here'] };
  }
  return runCommand([...program, 'config', '--quiet'], log);
}

async function findCompose(): Promise<string[] | undefined> {
  for (const program of [['docker', 'compose'], ['docker-compose']]) {
    const [name, ...args] = program;
    if ((await execa(name, [...args, 'version'], { reject: false })).exitCode === 0) {
      return program;
    }
  }
  return (await installDebianPackages(['docker-compose'])) ? undefined : ['docker-compose'];
}

/** The built plugins before the real datasource and a lab's fleet. */
async function testBrowser(log: string): Promise<Counts> {
  const environment = { CHROMIUM_PATH: await findChromium() };
  const running = await startLab(lab);
  return runPlaywright('browser', { ...environment, FLEET_URL: fleetURL(running.lab) }, log);
}

/** The plugins and the provisioning in Grafana where one is found. */
async function testInGrafana(log: string): Promise<Counts> {
  const home = [process.env.GRAFANA_HOME, systemHome].find((folder) => folder && isGrafanaHome(folder));
  if (!home) {
    const remedy = 'set GRAFANA_HOME to the folder of an unpacked Grafana 12.2 or newer';
    const skipped = [
      `tests/e2e, in Grafana's own interface: no Grafana found; ${remedy}`,
      `lab/provisioning.itest.ts, our files in a Grafana with a default datasource: no Grafana found; ${remedy}`,
    ];
    return { ...nothing, skipped };
  }
  const running = await startLab({ ...lab, grafana: { GRAFANA_HOME: home } });
  const installed = await runCommand([...tsx, '--test', '--test-reporter=tap', 'lab/provisioning.itest.ts'], log, {
    count: nodeTest,
    env: { ...labVariables, GRAFANA_HOME: home },
  });
  const url = `http://127.0.0.1:${running.lab.plan.ports.grafana}`;
  const environment = { CHROMIUM_PATH: await findChromium(), GRAFANA_URL: url, ...labVariables };
  return add(installed, await runPlaywright('e2e', environment, log));
}

/** Stops the lab and deletes its files, also those of an earlier run that was interrupted. */
async function removeLab(): Promise<void> {
  const { exitCode, output } = await labCommand(lab, ['stop']);
  if (exitCode !== 0) {
    throw new Error(`the lab of an earlier run does not stop:\n${output}`);
  }
  rmSync(lab.dir, { recursive: true, force: true });
}

const runPlaywright = (project: string, env: Record<string, string>, log: string) =>
  runCommand(['playwright', 'test', '--project', project, '--reporter', 'json'], log, { count: playwright, env });

/** CHROMIUM_PATH, an installed one, Debian's package, else the one that Playwright downloads. */
async function findChromium(): Promise<string> {
  const installed = [process.env.CHROMIUM_PATH, '/usr/bin/chromium', '/usr/bin/google-chrome'];
  const found = installed.find((file) => file && existsSync(file));
  if (found) {
    return found;
  }
  const problem = await installDebianPackages(['chromium']);
  if (!problem) {
    return '/usr/bin/chromium';
  }
  const download = await execa('playwright', ['install', 'chromium'], {
    preferLocal: true,
    localDir: root,
    reject: false,
  });
  if (download.exitCode !== 0) {
    throw new Error(
      `No browser can be had: ${problem}; Playwright's download failed too. Set CHROMIUM_PATH to a Chromium.`
    );
  }
  return chromium.executablePath();
}

const begin = Date.now();
await removeLab();
const built = await runLanes([builds]);
const checked = await runLanes([inTheLab, withoutLab]);
await removeLab();
const total = add(built, checked);
for (const what of total.skipped) {
  console.log(`Skipped: ${what}`);
}
console.log(`It took ${((Date.now() - begin) / 60_000).toFixed(1)} minutes.`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed ? 1 : 0;
