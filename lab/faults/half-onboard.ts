import { etcdClientTls } from '../credentials.ts';
import { applyObjects, deleteObject } from '../kubernetes/client.ts';
import { clusterObjects } from '../kubernetes/objects.ts';
import { type Lab, regionNamed } from '../lab.ts';
import type { PlannedCluster, PlannedMember } from '../plan.ts';
import { kubernetesServer } from '../services/etcd-apiserver.ts';
import type { Fault } from './fault.ts';
import { clusterNamed, clusterTarget } from './targets.ts';

/** The discard port, where nothing listens. */
const wrongPort = '9';

/** A name that was never scraped: under its own, the member has been, and would be one that is lost. */
const newName = (member: PlannedMember) => `${member.name}-new`;

export const halfOnboard: Fault = {
  name: 'half-onboard',
  targets: '[cluster]',
  summary: 'creates the EtcdCluster of a cluster again, whose last member is new and has a wrong metrics address',
  effect: 'The cluster waits for that member: its diagnosis names the onboarding, and the address.',
  outlivesStop: true,
  target: clusterTarget,
  holds: () => [],
  inject: (lab, name) => onboardAgain(lab, withWrongAddress(clusterNamed(lab, name))),
  heal: (lab, name) => onboardAgain(lab, clusterNamed(lab, name)),
};

/** Onboards the cluster as a new one. Its inspections begin anew too. */
async function onboardAgain(lab: Lab, cluster: PlannedCluster): Promise<void> {
  const server = kubernetesServer(lab, regionNamed(lab, cluster.region));
  const objects = clusterObjects(cluster, etcdClientTls(lab, clusterNamed(lab, cluster.name)));
  await deleteObject(server, objects.at(-1)!);
  await applyObjects(server, objects);
}

function withWrongAddress(cluster: PlannedCluster): PlannedCluster {
  const address = new URL(cluster.members.at(-1)!.metricsURL);
  address.port = wrongPort;
  const member = cluster.members.at(-1)!;
  const last = { ...member, name: newName(member), metricsURL: address.toString().replace(/\/$/, '') };
  return { ...cluster, members: [...cluster.members.slice(0, -1), last] };
}
