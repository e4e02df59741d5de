import { type Lab, program } from '../lab.ts';
import type { PlannedCluster, PlannedKubernetes, PlannedRegion } from '../plan.ts';
import type { Service } from '../supervisor/service.ts';
import { objectsName } from './etcd-objects.ts';
import { apiserverArguments, apiserverReady, kubernetesServer } from './etcd-apiserver.ts';

/** The Kubernetes clusters of a region: API servers that store their objects in its watched etcd clusters. */
export function kubeApiservers(lab: Lab, region: PlannedRegion): Service[] {
  return region.clusters.flatMap((cluster) =>
    cluster.kubernetes ? [kubeApiserver(lab, region, cluster, cluster.kubernetes)] : []
  );
}

function kubeApiserver(
  lab: Lab,
  region: PlannedRegion,
  cluster: PlannedCluster,
  { name, port, url }: PlannedKubernetes
): Service {
  return {
    name: `${name}-apiserver`,
    // It starts after the objects: starting an API server takes a whole core, and the region's own comes first.
    needs: [objectsName(region), ...cluster.members.map((member) => member.name)],
    command: program(lab, 'kube-apiserver'),
    args: [
      `--etcd-servers=${cluster.members.map(({ clientURL }) => clientURL).join(',')}`,
      // A prefix of its own keeps it apart from the traffic's keys, which are not objects.
      `--etcd-prefix=/${name}`,
      ...apiserverArguments(lab, region, port),
    ],
    ports: { https: port },
    readySeconds: 120, // everything else starts at the same time
    probe: () => apiserverReady({ ...kubernetesServer(lab, region), url }),
  };
}
