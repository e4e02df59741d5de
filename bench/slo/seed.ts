// The fleet's last month in blocks. The Go program in seed/ writes them, and they are kept for the next run of this
// size.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import type { Definitions } from '../../slo/model/definitions.ts';
import { timingOf } from '../../slo/generate/timing.ts';
import { goBuild } from '../../lab/build/go.ts';
import type { Fleet } from './fleet.ts';
import type { Place } from '../place.ts';
import type { Family } from './family.ts';
import { rawFamilies } from './raw-series.ts';
import { eventFamilies, tileFamilies } from './recorded-series.ts';

const minute = 60_000;
const hour = 60 * minute;

/**
 * The end of recorded series and the start of a run. Rules look back to it by query_offset, so seeds never become
 * stale.
 */
export const epoch = Date.UTC(2026, 0, 31, 12);

/** How long raw series continue after the epoch. */
export const runTime = 45 * minute;

/** How far back the raw series of all clusters go: as far as the queries of the tiers read. */
const rawTime = 70 * minute;

/** How far back events of single steps go: the longest window that is computed from them. */
const stepTime = 6 * hour + 10 * minute;

/** Returns a folder of blocks. It is written only if none exists for this fleet and these definitions. */
export async function seed(fleet: Fleet, definitions: Definitions, place: Place, signal: AbortSignal): Promise<string> {
  const plan = planOf(fleet, definitions);
  const key = createHash('sha256').update(JSON.stringify(plan)).digest('hex').slice(0, 12);
  const directory = path.join(place.directory, 'seeds', `${fleet.clusters.length}x${fleet.members.length}-${key}`);
  if (existsSync(directory)) {
    console.log(`Using the blocks of an earlier run: ${directory}`);
    return directory;
  }
  const program = await buildSeed(place, signal);
  const unfinished = `${directory}.unfinished`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  console.log(`Writing blocks to ${directory} …`);
  await execa(program, {
    input: JSON.stringify({ ...plan, directory: unfinished }),
    stdout: 'inherit',
    stderr: 'inherit',
    cancelSignal: signal,
  });
  renameSync(unfinished, directory);
  return directory;
}

/** Builds the program that writes blocks and returns its path. */
export async function buildSeed(place: Place, signal: AbortSignal): Promise<string> {
  const output = path.join(place.directory, 'bin', 'seed');
  await goBuild({ directory: path.join(import.meta.dirname, 'seed'), packages: ['.'], output, signal });
  return output;
}

export function planOf(fleet: Fleet, { model, deployment }: Definitions) {
  const { tile, tileName } = timingOf(deployment);
  const month = epoch - model.window * 1000;
  const [step, scrape] = [deployment.step * 1000, deployment.scrapeInterval * 1000];
  const families: Family[] = [
    ...rawFamilies(model, fleet.members.length).map((family): Family => {
      return { ...family, step: scrape, from: epoch - rawTime, to: epoch + runTime, sampledFrom: month };
    }),
    ...eventFamilies(fleet, model).map((family): Family => ({ ...family, step, from: epoch - stepTime, to: epoch })),
    ...[...eventFamilies(fleet, model, tileName), ...tileFamilies(model, tileName, month)].map((family): Family => {
      return { ...family, step: tile * 1000, from: month, to: epoch };
    }),
  ];
  return {
    blocks: [
      { from: month - hour, to: epoch - stepTime },
      { from: epoch - stepTime, to: epoch - rawTime },
      { from: epoch - rawTime, to: epoch + runTime },
    ],
    clusters: fleet.clusters,
    members: fleet.members,
    sampled: fleet.sampled,
    families,
  };
}
