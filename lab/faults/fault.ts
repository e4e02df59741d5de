import { readFileSync } from 'node:fs';
import path from 'node:path';

import { LabFailure } from '../failure.ts';
import type { Lab } from '../lab.ts';
import { writePrivateFile } from '../private-file.ts';

/** A failure that happens in production, injected into the lab. */
export interface Fault {
  name: string;
  /** The arguments, as shown in the list of faults. */
  targets: string;
  /** One line that describes what it does. */
  summary: string;
  /** The visible effect. */
  effect: string;
  /** Whether it persists when the lab is stopped and started. Other faults disappear with the processes. */
  outlivesStop: boolean;
  /** Returns the target for the arguments, which may be absent. */
  target(lab: Lab, args: string[]): Promise<string> | string;
  /** The processes that must stay as the fault leaves them: `up` neither starts nor stops these. */
  holds(target: string, lab: Lab): string[];
  inject(lab: Lab, target: string): Promise<void>;
  heal(lab: Lab, target: string): Promise<void>;
}

export interface ActiveFault {
  fault: string;
  target: string;
  holds: string[];
  outlivesStop: boolean;
  since: string;
}

const activeFile = (lab: Lab) => path.join(lab.dir, 'faults.json');

export function activeFaults(lab: Lab): ActiveFault[] {
  try {
    return JSON.parse(readFileSync(activeFile(lab), 'utf8')) as ActiveFault[];
  } catch {
    return [];
  }
}

export function rememberFaults(lab: Lab, faults: ActiveFault[]): void {
  writePrivateFile(activeFile(lab), JSON.stringify(faults, null, 2));
}

/** For example `kill-member gz-etcd-small-2`, or only the name if the fault has a single target. */
export const describeFault = ({ fault, target }: Pick<ActiveFault, 'fault' | 'target'>) =>
  target ? `${fault} ${target}` : fault;

/** Throws if a fault is active: some commands need a healthy lab. */
export function requireNoFaults(lab: Lab): void {
  const [active] = activeFaults(lab);
  if (active) {
    throw new LabFailure(`The fault ${active.fault} is active.`, 'Heal it first with `npm run lab heal`.');
  }
}
