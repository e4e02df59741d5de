import { copyFile, readFile, rename } from 'node:fs/promises';
import path from 'node:path';

import { type Lab, program } from '../lab.ts';
import { goBuild } from './go.ts';

/** The Go programs of this repository that run in the lab, by the name of their program. */
const packages: Record<string, string> = {
  cruiser: './cmd/cruiser',
  operator: './cmd/operator',
  fleet: './cmd/fleet',
  traffic: './lab/traffic',
  corrupt: './lab/corrupt',
};

/**
 * Builds them. Go touches even a program that is up to date, so it builds into a folder of its own, from which only
 * what differs is taken over: a program's time of change then tells whether a running one is outdated.
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
    // Renamed into place: a program that runs cannot be written to.
    await copyFile(built, `${current}.new`);
    await rename(`${current}.new`, current);
  }
}
