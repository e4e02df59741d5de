import { LabFailure } from '../failure.ts';
import { changeValues } from './change-values.ts';
import { corrupt } from './corrupt.ts';
import { expiringCertificate } from './expiring-certificate.ts';
import type { Fault } from './fault.ts';
import { fillQuota } from './fill-quota.ts';
import { halfOnboard } from './half-onboard.ts';
import { heavyLists } from './heavy-lists.ts';
import { hotKey } from './hot-key.ts';
import { killHost } from './kill-host.ts';
import { killMember } from './kill-member.ts';
import { killQuorum } from './kill-quorum.ts';
import { largeValue } from './large-value.ts';
import { manyKeys } from './many-keys.ts';
import { oddNames } from './odd-names.ts';
import { pauseApi } from './pause-api.ts';
import { pauseMember } from './pause-member.ts';
import { restartMember } from './restart-member.ts';
import { slowHost } from './slow-host.ts';
import { splitMember } from './split-member.ts';
import { stopApi } from './stop-api.ts';
import { stopCruiser } from './stop-cruiser.ts';
import { stopScrape } from './stop-scrape.ts';
import { stopSidecar } from './stop-sidecar.ts';
import { stopThanos } from './stop-thanos.ts';
import { stutterMember } from './stutter-member.ts';

/** All faults. To add one, add a file and a line here. */
export const faults: Fault[] = [
  corrupt,
  changeValues,
  killMember,
  killHost,
  pauseMember,
  stutterMember,
  slowHost,
  killQuorum,
  fillQuota,
  largeValue,
  manyKeys,
  hotKey,
  heavyLists,
  splitMember,
  restartMember,
  expiringCertificate,
  stopApi,
  pauseApi,
  stopThanos,
  stopSidecar,
  stopScrape,
  halfOnboard,
  oddNames,
  stopCruiser,
];

export function faultNamed(name: string): Fault {
  const fault = faults.find((candidate) => candidate.name === name);
  if (!fault) {
    throw new LabFailure(`There is no fault ${name}.`, `Use one of: ${faults.map((each) => each.name).join(', ')}.`);
  }
  return fault;
}
