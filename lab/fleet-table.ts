import { execa } from 'execa';

import { labEnvironment } from './environment.ts';
import { type Lab, program } from './lab.ts';

/** Returns the fleet as the datasource sees it: region, cluster, members, leader, keys, last inspection. */
export async function fleetTable(lab: Lab): Promise<string> {
  const { all } = await execa(program(lab, 'fleet'), ['clusters'], {
    cwd: lab.root,
    env: labEnvironment(lab),
    all: true,
    reject: false,
    timeout: 60_000,
  });
  return all;
}
