import { freeSpace, writeUntilFull } from '../etcd-admin.ts';
import type { Fault } from './fault.ts';
import { clusterNamed, clusterTarget } from './targets.ts';

export const fillQuota: Fault = {
  name: 'fill-quota',
  targets: '[cluster]',
  summary: 'fills the backend of an etcd cluster to its quota, so that it refuses writes',
  effect:
    'Writes fail with NOSPACE, reads work: the inspection alarms is Failed, etcd-availability and write-availability burn.',
  outlivesStop: true,
  target: clusterTarget,
  holds: () => [],
  inject: (lab, cluster) => writeUntilFull(lab, clusterNamed(lab, cluster)),
  heal: (lab, cluster) => freeSpace(lab, clusterNamed(lab, cluster)),
};
