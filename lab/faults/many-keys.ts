import { deleteKeys, writeKeys } from '../etcd-admin.ts';
import type { Fault } from './fault.ts';
import { clusterNamed, clusterTarget } from './targets.ts';

const prefix = 'lab/many-keys/';
const keys = 50_000;

export const manyKeys: Fault = {
  name: 'many-keys',
  targets: '[cluster]',
  summary: `writes ${keys} small keys below ${prefix}`,
  effect: 'The inspection key-count-growth of the cluster warns of the prefix, if it has counted the keys before.',
  outlivesStop: true,
  target: clusterTarget,
  holds: () => [],
  inject: (lab, cluster) => writeKeys(lab, clusterNamed(lab, cluster), prefix, keys),
  async heal(lab, cluster) {
    await deleteKeys(lab, clusterNamed(lab, cluster), prefix);
  },
};
