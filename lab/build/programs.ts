import { copyFile, readFile, rename } from 'node:fs/promises';
import path from 'node:path';

import { type Lab, program } from '../lab.ts';
import { goBuild } from './go.ts';

/** The Go packages of this repository that run in the lab, by program name. */
const packages: Record<string, string> = {
  cruiser: './cmd/cruiser',
  operator: './cmd/operator',
  fleet: './cmd/fleet',
  traffic: './lab/traffic',
  corrupt: './lab/corrupt',
};

/**
 * Builds the programs. Go writes a program even if it is up to date. It therefore builds into a separate folder, and
 * only programs that differ are copied from there. A program's modification time then shows whether a running process
 * is outdated.
 */
export async function buildPrograms(lab: Lab, signal?: AbortSignal): Promise<void> {
  const staging = path.join(lab.bin, '.staging');
  await goBuild({ directory: lab.root, packages: Object.values(packages), output: `${staging}/`, signal });
  for (const name of Object.keys(packages)) {
    await takeOver(path.join(staging, name), program(lab, name));
  }
}

async function takeOver(built: string, current: string): Promise<void> {
  const [wanted, present] = await Promise.all([readFile(built), readFile(current).catch(() => undefined)]);
  if (!present?.equals(wanted)) {
    // The file is renamed into place because a running program cannot be overwritten.
    await copyFile(built, `${current}.new`);
    await rename(`${current}.new`, current);
  }
}
