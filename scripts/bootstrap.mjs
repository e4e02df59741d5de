// Runs a TypeScript program of this project on a machine that has only Node. It first installs the locked packages if
// they are missing or older than the lock file, then runs the program with tsx.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');
const [program, ...args] = process.argv.slice(2);

const major = Number(process.versions.node.split('.')[0]);
if (major < 20) {
  fail(`Node ${process.versions.node} is too old: install Node 20 or newer.`);
}
installPackages();
// The program handles interrupts. This process only waits for it.
process.on('SIGINT', () => {});
process.exit(
  run(process.execPath, ['--import', 'tsx', path.join(root, program), ...args], { stdio: 'inherit' }).status ?? 1
);

function installPackages() {
  const stamp = path.join(root, 'node_modules', '.installed-from');
  const lock = createHash('sha256')
    .update(readFileSync(path.join(root, 'package-lock.json')))
    .digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === lock) {
    return;
  }
  console.log('Installing the locked npm packages (npm ci) …');
  const result = run('npm', ['ci', '--no-audit', '--no-fund'], { stdio: ['ignore', 'inherit', 'inherit'] });
  if (result.status !== 0) {
    fail('npm ci failed: see its output above. Check the network and the npm registry, then run the command again.');
  }
  writeFileSync(stamp, lock);
}

function run(command, argv, options) {
  return spawnSync(command, argv, { cwd: root, ...options });
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
