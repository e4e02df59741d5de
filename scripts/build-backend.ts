// Builds the datasource's backend into dist/datasource/ for this machine. With --all it builds for every platform that
// Grafana supports, which takes several minutes.
import { execa } from 'execa';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

async function buildAll() {
  await go(['run', 'github.com/magefile/mage', '-v', 'buildAll']);
}

/** Does the same as the SDK's mage target for one platform, but without the time that mage takes. */
async function buildHere() {
  const [os, architecture] = (await execa('go', ['env', 'GOOS', 'GOARCH'], { cwd: root })).stdout.split('\n');
  const { executable } = await readJson('src/datasource/plugin.json');
  const binary = `dist/datasource/${executable}_${os}_${architecture}${os === 'windows' ? '.exe' : ''}`;
  const buildInfo = `github.com/grafana/grafana-plugin-sdk-go/build/buildinfo.buildInfoJSON=${await buildInfoJson()}`;
  const ldflags = `-w -s -extldflags "-static" -X '${buildInfo}'`;
  await go(['build', '-trimpath', '-tags', 'arrow_json_stdlib', '-ldflags', ldflags, '-o', binary, './pkg']);
  console.log(`Built ${binary}`);
}

/**
 * Returns the build information that Grafana shows. Its time is the commit's, so that unchanged programs are not
 * relinked.
 */
async function buildInfoJson(): Promise<string> {
  const { id: pluginID } = await readJson('src/plugin.json');
  const { version } = await readJson('package.json');
  const commit = await execa('git', ['log', '-1', '--format=%ct'], { cwd: root, reject: false });
  const time = commit.exitCode === 0 ? Number(commit.stdout) * 1000 : Date.now();
  return JSON.stringify({ time, pluginID, version });
}

async function readJson(file: string) {
  return JSON.parse(await readFile(path.join(root, file), 'utf8'));
}

/** Runs go. On a failure it only passes on the exit code, because go has already printed the error. */
async function go(args: string[]) {
  const { exitCode } = await execa('go', args, {
    cwd: root,
    env: { CGO_ENABLED: '0' },
    stdio: 'inherit',
    reject: false,
  });
  if (exitCode !== 0) {
    process.exit(exitCode ?? 1);
  }
}

await (process.argv.includes('--all') ? buildAll() : buildHere());
