import { LabFailure } from '../failure.ts';
import { corrupt } from './corrupt.ts';
import type { Fault } from './fault.ts';
import { fillQuota } from './fill-quota.ts';
import { killMember } from './kill-member.ts';
import { killQuorum } from './kill-quorum.ts';
import { pauseApi } from './pause-api.ts';
import { pauseMember } from './pause-member.ts';
import { stopApi } from './stop-api.ts';
import { stopCruiser } from './stop-cruiser.ts';
import { stopThanos } from './stop-thanos.ts';
import { stutterMember } from './stutter-member.ts';

/** Every fault; a new one is a file and a line here. */
export const faults: Fault[] = [
  corrupt,
  killMember,
  pauseMember,
  stutterMember,
  killQuorum,
  fillQuota,
  stopApi,
  pauseApi,
  stopThanos,
  stopCruiser,
];

export function faultNamed(name: string): Fault {
  const fault = faults.find((candidate) => candidate.name === name);
  if (!fault) {
    throw new LabFailure(`There is no fault ${name}.`, `Use one of: ${faults.map((each) => each.name).join(', ')}.`);
  }
  return fault;
}
