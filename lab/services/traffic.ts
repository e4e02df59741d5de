import { stringify } from 'yaml';

import { authorityFile, clientCertificate } from '../credentials.ts';
import { httpOk } from '../http.ts';
import { type Lab, etcFile, program } from '../lab.ts';
import { type PlannedCluster, allClusters } from '../plan.ts';
import { writePrivateFile } from '../private-file.ts';
import type { Service } from '../supervisor/service.ts';

/** Reads and writes in every cluster as Kubernetes does. */
export function traffic(lab: Lab): Service {
  const configFile = etcFile(lab, 'traffic.yaml');
  const address = `127.0.0.1:${lab.plan.ports.traffic}`;
  return {
    name: 'traffic',
    needs: [], // it keeps trying to connect
    command: program(lab, 'traffic'),
    args: [`--config=${configFile}`, `--listen-address=${address}`],
    ports: { http: lab.plan.ports.traffic },
    prepare() {
      writePrivateFile(configFile, stringify({ clusters: allClusters(lab.plan).map((cluster) => load(lab, cluster)) }));
    },
    probe: () => httpOk(`http://${address}/readyz`),
  };
}

/** The load on one cluster, in the format that lab/traffic reads. */
function load(lab: Lab, cluster: PlannedCluster) {
  const { objects, requestsPerSecond } = cluster;
  return { ...howToReach(lab, cluster), objects, requestsPerSecond };
}

export function howToReach(lab: Lab, cluster: PlannedCluster) {
  const { certificate, key } = clientCertificate(lab, cluster);
  return {
    name: cluster.name,
    endpoints: cluster.members.map(({ clientURL }) => clientURL),
    ...(cluster.tls ? { tls: { ca: authorityFile(lab), certificate, key } } : {}),
  };
}
