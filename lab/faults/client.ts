import { stringify } from 'yaml';

import { type Lab, etcFile, program } from '../lab.ts';
import { writePrivateFile } from '../private-file.ts';
import type { PlannedCluster } from '../plan.ts';
import { howToReach } from '../services/traffic.ts';
import type { Service } from '../supervisor/service.ts';

/** One client that misbehaves, in the format that lab/traffic reads. */
export interface Misbehaviour {
  hotKey?: string;
  listsEverything?: boolean;
  requestsPerSecond: number;
}

/** A second traffic process on one cluster, which outlives the command. Its metrics are not scraped. */
export function client(lab: Lab, name: string, cluster: PlannedCluster, misbehaviour: Misbehaviour): Service {
  const configFile = etcFile(lab, `${name}.yaml`);
  return {
    name,
    needs: [],
    command: program(lab, 'traffic'),
    args: [`--config=${configFile}`, '--listen-address=127.0.0.1:0'],
    ports: {},
    prepare() {
      writePrivateFile(configFile, stringify({ clusters: [{ ...howToReach(lab, cluster), ...misbehaviour }] }));
    },
    probe: () => Promise.resolve(),
  };
}
