// The fleet's month in blocks, written by the Go program in seed/ and kept for the next run of the same size.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import path from 'node:path';
import { execa } from 'execa';
import type { Definitions } from '../../slo/model/definitions.ts';
import { timingOf } from '../../slo/generate/timing.ts';
import { goBuild } from '../../lab/build/go.ts';
import type { Fleet } from './fleet.ts';
import type { Place } from '../place.ts';
import { rawFamilies } from './raw-series.ts';
import { eventFamilies } from './recorded-series.ts';

/** Series of one name, as seed/plan.go reads them. Times are milliseconds. */
export interface Family {
  name: string;
  per: 'cluster' | 'member' | 'series';
  series: SeriesPlan[];
  step: number;
  from: number;
  to: number;
  sampledFrom?: number;
}

export interface SeriesPlan {
  labels: Record<string, string>;
  kind: 'counter' | 'events' | 'gauge';
  perSecond?: number;
  value?: number;
  /** The share of perSecond that a bucket leaves to those above it. */
  without?: number;
}

const minute = 60_000;
const hour = 60 * minute;

/** Where recorded series end and a run begins. The rules look back to it by their query_offset, so seeds never age. */
export const epoch = Date.UTC(2026, 0, 31, 12);

/** For how long after the epoch there are raw series. */
export const runTime = 45 * minute;

/** How far back raw series of all clusters go: as far as the queries of the tiers look. */
const rawTime = 70 * minute;

/** How far back events of single steps go: the longest window that is made from them. */
const stepTime = 6 * hour + 10 * minute;

/** A folder of blocks; written only if there is none for this fleet and these definitions. */
export async function seed(fleet: Fleet, definitions: Definitions, place: Place, signal: AbortSignal): Promise<string> {
  const plan = planOf(fleet, definitions);
  const key = createHash('sha256').update(JSON.stringify(plan)).digest('hex').slice(0, 12);
  const directory = path.join(place.directory, 'seeds', `${fleet.clusters.length}x${fleet.members.length}-${key}`);
  if (existsSync(directory)) {
    console.log(`The blocks of an earlier run: ${directory}`);
    return directory;
  }
  const program = path.join(place.directory, 'bin', 'seed');
  await goBuild({ directory: path.join(import.meta.dirname, 'seed'), packages: ['.'], output: program, signal });
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

function planOf(fleet: Fleet, { model, deployment }: Definitions) {
  const { tile, tileName } = timingOf(deployment);
  const month = epoch - model.window * 1000;
  const [step, scrape] = [deployment.step * 1000, deployment.scrapeInterval * 1000];
  const families: Family[] = [
    ...rawFamilies(model, fleet.members.length).map((family): Family => {
      return { ...family, step: scrape, from: epoch - rawTime, to: epoch + runTime, sampledFrom: month };
    }),
    ...eventFamilies(fleet, model).map((family): Family => ({ ...family, step, from: epoch - stepTime, to: epoch })),
    ...eventFamilies(fleet, model, tileName).map((family): Family => {
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
