import { readFileSync } from 'node:fs';
import path from 'node:path';

import { authorityFile, tokenOf } from './credentials.ts';
import { type Lab, environmentFile } from './lab.ts';
import { writePrivateFile } from './private-file.ts';

/** The variables that provisioning/ and cmd/fleet read, secrets included. */
export function labEnvironment(lab: Lab): Record<string, string> {
  return Object.fromEntries(variables(lab).map(([name, read]) => [name, read()]));
}

/** The names of the variables, known before the secrets exist. */
export function labEnvironmentNames(lab: Lab): string[] {
  return variables(lab).map(([name]) => name);
}

function variables(lab: Lab): Array<[string, () => string]> {
  return [
    ['ETCDFLEET_THANOS_URL', () => lab.plan.thanosURL],
    ['ETCDFLEET_APP', () => path.join(lab.root, 'dist')],
    ...lab.plan.regions.flatMap((region): Array<[string, () => string]> => {
      const prefix = `ETCDFLEET_${region.name.toUpperCase()}`;
      return [
        [`${prefix}_URL`, () => region.apiServerURL],
        [`${prefix}_TOKEN`, () => tokenOf(lab, region, 'etcdfleet-datasource')],
        [`${prefix}_CA`, () => readFileSync(authorityFile(lab), 'utf8')],
      ];
    }),
  ];
}

/** Writes the variables in a format that shells, Docker and Node read. A value may have several lines. */
export function writeEnvironmentFile(lab: Lab): void {
  const lines = Object.entries(labEnvironment(lab)).map(([name, value]) => `${name}="${value}"`);
  writePrivateFile(environmentFile(lab), `${lines.join('\n')}\n`);
}
