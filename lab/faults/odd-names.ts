import { applyObjects, deleteObject } from '../kubernetes/client.ts';
import { clusterObjects } from '../kubernetes/objects.ts';
import { type Lab, regionNamed } from '../lab.ts';
import type { PlannedCluster } from '../plan.ts';
import { kubernetesServer } from '../services/etcd-apiserver.ts';
import type { Fault } from './fault.ts';
import { regionTarget } from './targets.ts';

/** What an address, a regular expression or a table may take for its own. */
const odd = (name: string) => `${name} & #1/2 "北" +%`;

export const oddNames: Fault = {
  name: 'odd-names',
  targets: '[region]',
  summary: 'onboards the members of a cluster once more as odd-names, with names that addresses must encode',
  effect: 'The cluster odd-names is there, and every link keeps its scene, hosts, zones and Kubernetes cluster.',
  outlivesStop: true,
  target: regionTarget,
  holds: () => [],
  inject: (lab, region) => applyObjects(kubernetesServer(lab, regionNamed(lab, region)), objects(lab, region)),
  heal: (lab, region) => deleteObject(kubernetesServer(lab, regionNamed(lab, region)), objects(lab, region)[0]),
};

const objects = (lab: Lab, region: string) => clusterObjects(withOddNames(regionNamed(lab, region).clusters));

function withOddNames(clusters: PlannedCluster[]): PlannedCluster {
  const cluster = clusters.find(({ kubernetes }) => kubernetes) ?? clusters[0];
  return {
    ...cluster,
    name: 'odd-names',
    scene: odd('scene'),
    kubernetes: cluster.kubernetes && { ...cluster.kubernetes, name: odd('kubernetes') },
    members: cluster.members.map((member) => ({
      ...member,
      name: odd(member.name),
      host: odd(member.host),
      zone: odd(member.zone),
    })),
  };
}
