import { readFileSync } from 'node:fs';
import path from 'node:path';

import { LabFailure } from '../failure.ts';
import type { Lab } from '../lab.ts';
import { writePrivateFile } from '../private-file.ts';

/** Something that goes wrong in production, done to the lab on purpose. */
export interface Fault {
  name: string;
  /** The arguments that it takes, for the list of faults. */
  targets: string;
  /** One line: what it does. */
  summary: string;
  /** What to look at afterwards. */
  effect: string;
  /** Whether it is still there after the lab was stopped and started; the others end with the processes. */
  outlivesStop: boolean;
  /** Chooses the target from the arguments, which may be absent. */
  target(lab: Lab, args: string[]): Promise<string> | string;
  /** Processes that must stay as the fault leaves them. */
  holds(target: string): string[];
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

/** `kill-member gz-etcd-small-2`, or just the name of a fault that has one target only. */
export const describeFault = ({ fault, target }: Pick<ActiveFault, 'fault' | 'target'>) =>
  target ? `${fault} ${target}` : fault;

/** For what is about a lab that nobody harms. */
export function requireNoFaults(lab: Lab): void {
  const [active] = activeFaults(lab);
  if (active) {
    throw new LabFailure(`The fault ${active.fault} is active.`, 'End it first with `npm run lab heal`.');
  }
}
