// Fetches Debian packages that a step needs, if apt is available and allowed.
import { execa } from 'execa';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readdir, rename, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';

let lastInstallation: Promise<unknown> = Promise.resolve();

/**
 * Returns the reason why the packages could not be installed, or undefined if they were. Steps that run side by side wait for each
 * other: a second apt-get would find the database locked and fail.
 */
export function installDebianPackages(packages: string[]): Promise<string | undefined> {
  const installation = lastInstallation.then(() => install(packages));
  lastInstallation = installation.catch(() => {});
  return installation;
}

async function install(packages: string[]): Promise<string | undefined> {
  const names = packages.join(' ');
  if (!existsSync('/usr/bin/apt-get') || process.getuid?.() !== 0) {
    return `install ${names} (apt-get needs root here)`;
  }
  const env = { DEBIAN_FRONTEND: 'noninteractive' };
  await execa('apt-get', ['update', '-q'], { env, reject: false, timeout: 300_000 });
  const result = await execa('apt-get', ['install', '-q', '-y', '--no-install-recommends', ...packages], {
    env,
    reject: false,
    timeout: 900_000,
  });
  return result.exitCode === 0
    ? undefined
    : `apt-get install ${names} failed: ${result.stderr.trim().split('\n').at(-1)}`;
}

/**
 * Copies one program of a package to `target`, unless that exists. The package is unpacked and not installed, so that
 * no service starts. The output of `--version` must start with `version`, because another Debian release has another
 * one. Returns the reason if the program is not available, or undefined.
 */
export async function unpackDebianProgram(
  source: { package: string; program: string; version: string },
  target: string
): Promise<string | undefined> {
  if (existsSync(target)) {
    return undefined;
  }
  if (!existsSync('/usr/bin/apt-get')) {
    return `${source.package} is a Debian package, and apt-get is not installed`;
  }
  const scratch = await mkdtemp(path.join(os.tmpdir(), 'etcdfleet-debian-'));
  try {
    await download(source.package, scratch);
    const program = path.join(scratch, source.program);
    const { stdout } = await execa(program, ['--version']);
    if (!stdout.startsWith(source.version)) {
      return `${source.package} of this Debian is "${stdout.split('\n')[0]}", not "${source.version}…"`;
    }
    await mkdir(path.dirname(target), { recursive: true });
    await copyFile(program, `${target}.new`);
    await rename(`${target}.new`, target);
    return undefined;
  } catch (error) {
    return `${source.package} could not be fetched: ${(error as Error).message.trim().split('\n').at(-1)}`;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

async function download(name: string, directory: string): Promise<void> {
  const options = { cwd: directory, timeout: 300_000 };
  if ((await execa('apt-get', ['download', '-q', name], { ...options, reject: false })).exitCode !== 0) {
    await execa('apt-get', ['update', '-q'], { timeout: 300_000, reject: false }); // the package lists are missing or old
    await execa('apt-get', ['download', '-q', name], options);
  }
  const [file] = (await readdir(directory)).filter((entry) => entry.endsWith('.deb'));
  await execa('dpkg-deb', ['-x', file, directory], options);
}
