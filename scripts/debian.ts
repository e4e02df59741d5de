// Installs Debian packages that a step needs, where apt is there and may be used.
import { execa } from 'execa';
import { existsSync } from 'node:fs';

/** Returns why the packages could not be installed, or undefined when they were. */
export async function installDebianPackages(packages: string[]): Promise<string | undefined> {
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
