// npm run verify: every check of the project, each on real components where the behaviour comes from them. The last
// line counts what passed and failed; what did not run is listed with the reason.
import { chromium } from '@playwright/test';
import { execa } from 'execa';
import { glob } from 'glob';
import { existsSync } from 'node:fs';
import { appendFile } from 'node:fs/promises';
import path from 'node:path';
import { isGrafanaHome, systemHome } from '../lab/grafana/source.ts';
import { startLab } from '../lab/running-lab.ts';
import { fleetURL } from '../lab/services/fleet.ts';
import { checkRules, checkThanosRules, testRules, type Outcome } from '../slo/promtool.ts';
import { installDebianPackages, unpackDebianProgram } from './debian.ts';
import { add, goTest, jest, nodeTest, nothing, playwright, type Counts } from './verify/counts.ts';
import { command, perform, root, runCommand, type Step } from './verify/step.ts';

const bin = `${root}/.lab/bin`;
const tsx = [process.execPath, '--import', 'tsx'];

const steps: Step[] = [
  command('tools', [...tsx, 'lab/cli.ts', 'build'], { timeoutMinutes: 60 }),
  { name: 'etcd 3.4', run: fetchEtcd34 },
  command('format', ['prettier', '--check', '.']),
  command('format of Go', [`${bin}/golangci-lint`, 'fmt', '--diff', './...']),
  command('lint', ['eslint', '--max-warnings', '0', '.']),
  command('lint of Go', [`${bin}/golangci-lint`, 'run', './...'], {
    env: { GOLANGCI_LINT_CACHE: `${root}/.lab/golangci-lint` }, // the shared one also tells of deleted checkouts' files
  }),
  command('types of the front end', ['tsc', '--noEmit']),
  command('types of the tools', ['tsc', '--noEmit', '-p', 'tsconfig.node.json']),
  command('generated files', [...tsx, 'scripts/generate.ts', '--check']),
  { name: 'configuration of Prometheus and Alertmanager', run: checkPrometheus },
  { name: 'rules', run: checkAllRules },
  { name: 'compose file', run: checkCompose },
  command('front end, unit', ['jest', '--maxWorkers', '2', '--json'], { count: jest }),
  { name: 'tools, unit', run: testTools },
  command('front end, build', ['npm', 'run', 'build']),
  command('backend, build', [...tsx, 'scripts/build-backend.ts']),
  // Tests with clusters mostly wait, for elections and time-outs: more of them at once than there are cores.
  command('Go, unit and integration', ['go', 'test', '-race', '-parallel', '4', '-json', '-timeout', '40m', './...'], {
    count: goTest,
    timeoutMinutes: 60,
  }),
  command('lab, integration', [...tsx, '--test', '--test-reporter=tap', 'lab/lab.itest.ts'], { count: nodeTest }),
  command('lab, alerts', [...tsx, '--test', '--test-reporter=tap', 'lab/alerts.itest.ts'], { count: nodeTest }),
  command('lab, inspections', [...tsx, '--test', '--test-reporter=tap', 'lab/inspections.itest.ts'], {
    count: nodeTest,
  }),
  { name: 'browser', run: testBrowser },
];

/** The one version that cannot be built from its module. Without it the Go tests that need it skip themselves. */
async function fetchEtcd34(): Promise<Counts> {
  const source = { package: 'etcd-server', program: 'usr/bin/etcd', version: 'etcd Version: 3.4.' };
  const problem = await unpackDebianProgram(source, `${bin}/etcd-3.4`);
  return problem ? { ...nothing, skipped: [`etcd 3.4 in tests: ${problem}`] } : nothing;
}

async function testTools(log: string): Promise<Counts> {
  const folders = ['bench', 'dashboards', 'lab', 'scripts', 'slo'];
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

/** The built plugins before the real datasource and a lab's fleet, and in Grafana where one is found. */
async function testBrowser(log: string): Promise<Counts> {
  const browser = await findChromium();
  const options = { dir: `${root}/.lab/verify/lab`, portBase: 28000 };
  const lab = await startLab(options);
  try {
    const inPage = await runPlaywright('browser', { CHROMIUM_PATH: browser, FLEET_URL: fleetURL(lab.lab) }, log);
    const home = [process.env.GRAFANA_HOME, systemHome].find((folder) => folder && isGrafanaHome(folder));
    if (!home) {
      const remedy = 'set GRAFANA_HOME to the folder of an unpacked Grafana 12.2 or newer';
      return add(inPage, {
        ...nothing,
        skipped: [`tests/e2e, in Grafana's own interface: no Grafana found; ${remedy}`],
      });
    }
    const { lab: withGrafana } = await startLab({ ...options, grafana: { GRAFANA_HOME: home } });
    const url = `http://127.0.0.1:${withGrafana.plan.ports.grafana}`;
    return add(inPage, await runPlaywright('e2e', { CHROMIUM_PATH: browser, GRAFANA_URL: url }, log));
  } finally {
    await lab.stop();
  }
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

let total = nothing;
const begin = Date.now();
for (const step of steps) {
  total = add(total, await perform(step));
}
for (const what of total.skipped) {
  console.log(`Skipped: ${what}`);
}
console.log(`It took ${((Date.now() - begin) / 60_000).toFixed(1)} minutes.`);
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exitCode = total.failed ? 1 : 0;
