import { authorityFile, clusterCertificate } from '../credentials.ts';
import { httpOk } from '../http.ts';
import { type Lab, dataDir, diskDelayFile, program } from '../lab.ts';
import { type PlannedCluster, type PlannedMember, allClusters } from '../plan.ts';
import type { Service } from '../supervisor/service.ts';

/** Every member of every cluster of the fleet. */
export function etcdMembers(lab: Lab): Service[] {
  return allClusters(lab.plan).flatMap((cluster) => cluster.members.map((member) => etcdMember(lab, cluster, member)));
}

/** Settings that matter only at a member's first start. */
interface FirstStart {
  /** `existing` if the member joins a running cluster with an empty data directory. */
  state?: 'new' | 'existing';
  /** The members of the initial cluster. The default is all members. */
  peers?: PlannedMember[];
}

export function etcdMember(
  lab: Lab,
  cluster: PlannedCluster,
  member: PlannedMember,
  { state = 'new', peers = cluster.members }: FirstStart = {}
): Service {
  return {
    name: member.name,
    needs: [],
    command: program(lab, 'etcd'),
    args: [
      `--name=${member.name}`,
      `--data-dir=${dataDir(lab, member.name)}`,
      `--listen-client-urls=${member.clientURL}`,
      `--advertise-client-urls=${member.clientURL}`,
      `--listen-peer-urls=${member.peerURL}`,
      `--initial-advertise-peer-urls=${member.peerURL}`,
      `--initial-cluster=${peers.map(({ name, peerURL }) => `${name}=${peerURL}`).join(',')}`,
      `--initial-cluster-token=${cluster.name}`,
      `--listen-metrics-urls=${member.metricsURL}`,
      `--metrics=${cluster.metrics}`,
      `--quota-backend-bytes=${cluster.quotaBytes}`,
      // Eighteen members share one disk and a few cores: with the defaults they would constantly elect leaders.
      '--heartbeat-interval=300',
      '--election-timeout=3000',
      '--log-level=warn',
      ...(cluster.tls ? tlsArguments(lab, cluster) : []),
    ],
    // The state is not an argument: it matters at the first start only, and the command line identifies our process.
    env: () => ({ ETCD_INITIAL_CLUSTER_STATE: state, LAB_DISK_DELAY: diskDelayFile(lab, member.host) }),
    ports: member.ports,
    // A member that refuses writes for lack of space still counts as ready: a lab with that fault must start.
    probe: () => httpOk(`${member.metricsURL}/health?exclude=NOSPACE`),
  };
}

function tlsArguments(lab: Lab, cluster: PlannedCluster): string[] {
  const { certificate, key } = clusterCertificate(lab, cluster);
  const authority = authorityFile(lab);
  return [
    `--cert-file=${certificate}`,
    `--key-file=${key}`,
    `--trusted-ca-file=${authority}`,
    '--client-cert-auth',
    `--peer-cert-file=${certificate}`,
    `--peer-key-file=${key}`,
    `--peer-trusted-ca-file=${authority}`,
    '--peer-client-cert-auth',
  ];
}
