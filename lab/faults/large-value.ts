import { deleteKeys, writeValue } from '../etcd-admin.ts';
import type { Fault } from './fault.ts';
import { clusterNamed, clusterTarget } from './targets.ts';

const prefix = 'lab/large-value/';
/** Above the warning threshold of large-key-values, and below the 1.5 MiB that etcd accepts. */
const bytes = 900 * 1024;

export const largeValue: Fault = {
  name: 'large-value',
  targets: '[cluster]',
  summary: `writes a key with a value of ${bytes / 1024} KiB`,
  effect: 'The inspection large-key-values of the cluster warns of it and names the key.',
  outlivesStop: true,
  target: clusterTarget,
  holds: () => [],
  inject: (lab, cluster) => writeValue(lab, clusterNamed(lab, cluster), `${prefix}object`, bytes),
  async heal(lab, cluster) {
    await deleteKeys(lab, clusterNamed(lab, cluster), prefix);
  },
};
