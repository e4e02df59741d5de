import { execa } from 'execa';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { LabFailure, reasonOf } from '../failure.ts';
import type { Lab } from '../lab.ts';
import { writePrivateFile } from '../private-file.ts';
import { downloadGrafana } from './download.ts';

/** Where the lab's Grafana comes from. */
export type GrafanaSource =
  | { kind: 'url'; url: string }
  | { kind: 'home'; home: string }
  | { kind: 'docker' }
  | { kind: 'none'; reasons: string[] };

/** The other inputs of the choice besides the environment. */
export interface GrafanaCandidates {
  isHome(folder: string): boolean;
  /** The reason why Docker cannot be used, or undefined if it can. */
  dockerProblem(): Promise<string | undefined>;
  /** Returns the folder of the pinned release. Throws if it cannot be downloaded. */
  download(): Promise<string>;
}

export const systemHome = '/usr/share/grafana';

/** Takes the first available source: GRAFANA_URL, GRAFANA_HOME, an installed Grafana, Docker, a download. */
export async function chooseGrafana(
  environment: NodeJS.ProcessEnv,
  candidates: GrafanaCandidates
): Promise<GrafanaSource> {
  const { LAB_GRAFANA, GRAFANA_URL, GRAFANA_HOME } = environment;
  if (LAB_GRAFANA === 'off') {
    return { kind: 'none', reasons: ['LAB_GRAFANA is off'] };
  }
  if (GRAFANA_URL) {
    return { kind: 'url', url: GRAFANA_URL };
  }
  if (GRAFANA_HOME) {
    if (!candidates.isHome(GRAFANA_HOME)) {
      throw new LabFailure(
        `GRAFANA_HOME is ${GRAFANA_HOME}, which is not a Grafana: it needs bin/grafana and public/.`,
        'Set it to the folder of an unpacked Grafana, or unset it to let the lab look for one.'
      );
    }
    return { kind: 'home', home: GRAFANA_HOME };
  }
  if (candidates.isHome(systemHome)) {
    return { kind: 'home', home: systemHome };
  }
  const dockerProblem = await candidates.dockerProblem();
  if (dockerProblem === undefined) {
    return { kind: 'docker' };
  }
  try {
    return { kind: 'home', home: await candidates.download() };
  } catch (error) {
    return {
      kind: 'none',
      reasons: [
        'GRAFANA_URL and GRAFANA_HOME are not set',
        `there is none in ${systemHome}`,
        dockerProblem,
        reasonOf(error),
      ],
    };
  }
}

export const isGrafanaHome = (folder: string) =>
  existsSync(path.join(folder, 'bin', 'grafana')) && existsSync(path.join(folder, 'public'));

export function grafanaCandidates(lab: Lab): GrafanaCandidates {
  return {
    isHome: isGrafanaHome,
    dockerProblem,
    // The folder is next to the programs, which all labs share.
    download: () => downloadGrafana(path.dirname(lab.bin)),
  };
}

async function dockerProblem(): Promise<string | undefined> {
  if (process.platform !== 'linux') {
    return 'Docker shares the loopback addresses of the lab on Linux only';
  }
  const result = await execa('docker', ['info'], { reject: false, timeout: 10_000 });
  return result.failed ? 'no Docker engine answers `docker info`' : undefined;
}

const sourceFile = (lab: Lab) => path.join(lab.dir, 'grafana.json');

/** Saves the choice for later commands. */
export function rememberGrafana(lab: Lab, source: GrafanaSource): void {
  writePrivateFile(sourceFile(lab), JSON.stringify(source));
}

export function rememberedGrafana(lab: Lab): GrafanaSource {
  try {
    return JSON.parse(readFileSync(sourceFile(lab), 'utf8')) as GrafanaSource;
  } catch {
    return { kind: 'none', reasons: ['the lab was never started'] };
  }
}
