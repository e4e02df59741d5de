import path from 'node:path';
import { fileURLToPath } from 'node:url';

import { LabFailure } from './failure.ts';
import { type Plan, type PlannedRegion, planLab, portsPerRegion } from './plan.ts';
import { topology } from './topology.ts';

/** One lab on this machine: its files and its ports. Several labs can run at the same time. */
export interface Lab {
  /** The repository's root folder. */
  root: string;
  /** Data, logs, certificates, pid files. */
  dir: string;
  /** Built programs, shared by all labs of the repository. */
  bin: string;
  portBase: number;
  plan: Plan;
  environment: NodeJS.ProcessEnv;
}

export const defaultPortBase = 23000;
const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '..');

/** The lab that LAB_DIR, LAB_PORT_BASE and ETCDFLEET_BIN describe. */
export function openLab(environment: NodeJS.ProcessEnv = process.env): Lab {
  const portBase = readPortBase(environment.LAB_PORT_BASE);
  return {
    root,
    dir: path.resolve(root, environment.LAB_DIR || '.lab'),
    bin: path.resolve(root, environment.ETCDFLEET_BIN || '.lab/bin'),
    portBase,
    plan: planLab(topology, portBase),
    environment,
  };
}

function readPortBase(value: string | undefined): number {
  const highest = 65535 - (topology.length + 1) * portsPerRegion;
  const base = Number(value || defaultPortBase);
  if (!Number.isInteger(base) || base < 1024 || base > highest) {
    throw new LabFailure(
      `LAB_PORT_BASE is ${value}, which is not a usable port.`,
      `Set it to a number from 1024 to ${highest}, for example 24000; the lab takes ports from there on.`
    );
  }
  return base;
}

export const logFile = (lab: Lab, process: string) => path.join(lab.dir, 'log', `${process}.log`);
export const dataDir = (lab: Lab, process: string) => path.join(lab.dir, 'data', process);
/** How much longer each sync takes on the disk of a simulated machine, as a Go duration; there is none by default. */
export const diskDelayFile = (lab: Lab, host: string) => path.join(lab.dir, 'hosts', host, 'disk-delay');
/** The folder in which the check backup-age finds backups. */
export const backupsDir = (lab: Lab) => path.join(lab.dir, 'backups');
export const etcFile = (lab: Lab, ...names: string[]) => path.join(lab.dir, 'etc', ...names);
export const program = (lab: Lab, name: string) => path.join(lab.bin, name);
/** Held while a command starts or stops processes of the lab. */
export const labLock = (lab: Lab) => path.join(lab.dir, 'lock');
/** Settings for Grafana's provisioning, cmd/fleet and tests. */
export const environmentFile = (lab: Lab) => path.join(lab.dir, 'env');

export function regionNamed(lab: Lab, name: string): PlannedRegion {
  const region = lab.plan.regions.find((candidate) => candidate.name === name);
  if (!region) {
    const known = lab.plan.regions.map((candidate) => candidate.name).join(', ');
    throw new LabFailure(`There is no region ${name}.`, `Use one of: ${known}.`);
  }
  return region;
}
