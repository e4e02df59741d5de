import { stringify } from 'yaml';

import { deleteKeys } from '../etcd-admin.ts';
import { type Lab, etcFile, program } from '../lab.ts';
import type { PlannedCluster } from '../plan.ts';
import { howToReach } from '../services/traffic.ts';
import { writePrivateFile } from '../private-file.ts';
import type { Service } from '../supervisor/service.ts';
import { startService } from '../supervisor/supervisor.ts';
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
  inject: (lab, cluster) => startService(lab, writer(lab, clusterNamed(lab, cluster))),
  async heal(lab, cluster) {
    await ensureDown(lab, writerName(cluster));
    await deleteKeys(lab, clusterNamed(lab, cluster), prefix);
  },
};

const writerName = (cluster: string) => `hot-key-${cluster}`;

/** A second traffic process, which outlives the command. Its metrics are not scraped. */
function writer(lab: Lab, cluster: PlannedCluster): Service {
  const name = writerName(cluster.name);
  const configFile = etcFile(lab, `${name}.yaml`);
  return {
    name,
    needs: [],
    command: program(lab, 'traffic'),
    args: [`--config=${configFile}`, '--listen-address=127.0.0.1:0'],
    ports: {},
    prepare() {
      const load = { ...howToReach(lab, cluster), hotKey: `${prefix}object`, requestsPerSecond: writesPerSecond };
      writePrivateFile(configFile, stringify({ clusters: [load] }));
    },
    probe: () => Promise.resolve(),
  };
}
