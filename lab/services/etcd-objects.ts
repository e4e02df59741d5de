import { etcdClientTls } from '../credentials.ts';
import { applyObjects } from '../kubernetes/client.ts';
import { inspectionPolicy } from '../kubernetes/inspections.ts';
import { clusterObjects, deployedObjects, namespaceOf, namespaceRoles } from '../kubernetes/objects.ts';
import type { Lab } from '../lab.ts';
import type { PlannedRegion } from '../plan.ts';
import type { Task } from '../supervisor/service.ts';
import { apiserverNameOf, kubernetesServer } from './etcd-apiserver.ts';

/** Applies definitions, roles, the policy of inspections and clusters to the region's API server. */
export function etcdObjects(lab: Lab, region: PlannedRegion): Task {
  return {
    name: objectsName(region),
    needs: [apiserverNameOf(region.name)],
    explainedBy: apiserverNameOf(region.name),
    async run(signal) {
      const objects = [
        namespaceOf(region),
        ...(await deployedObjects(lab.root)),
        ...(await namespaceRoles(lab.root, region)),
        inspectionPolicy(region),
        ...region.clusters.flatMap((cluster) => clusterObjects(cluster, etcdClientTls(lab, cluster))),
      ];
      await applyObjects(kubernetesServer(lab, region), objects, signal);
    },
  };
}

export const objectsName = (region: PlannedRegion) => `${region.name}-objects`;
