import { deleteKeys } from '../etcd-admin.ts';
import { startService } from '../supervisor/supervisor.ts';
import { client } from './client.ts';
import type { Fault } from './fault.ts';
import { ensureDown } from './processes.ts';
import { clusterNamed, clusterTarget } from './targets.ts';

const prefix = 'lab/hot-key/';
const writesPerSecond = 40;

export const hotKey: Fault = {
  name: 'hot-key',
  targets: '[cluster]',
  summary: `writes one key ${writesPerSecond} times a second`,
  effect: 'The inspection write-qps-outliers of the cluster warns of it and names the key.',
  outlivesStop: false,
  target: clusterTarget,
  holds: (cluster) => [writerName(cluster)],
  inject: (lab, cluster) =>
    startService(
      lab,
      client(lab, writerName(cluster), clusterNamed(lab, cluster), {
        hotKey: `${prefix}object`,
        requestsPerSecond: writesPerSecond,
      })
    ),
  async heal(lab, cluster) {
    await ensureDown(lab, writerName(cluster));
    await deleteKeys(lab, clusterNamed(lab, cluster), prefix);
  },
};

const writerName = (cluster: string) => `hot-key-${cluster}`;
