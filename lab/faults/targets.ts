import { isLeader } from '../etcd-admin.ts';
import { LabFailure } from '../failure.ts';
import { type Lab, regionNamed } from '../lab.ts';
import { type PlannedCluster, type PlannedMember, allClusters } from '../plan.ts';
import { activeFaults, describeFault } from './fault.ts';

export function clusterNamed(lab: Lab, name: string): PlannedCluster {
  const cluster = allClusters(lab.plan).find((candidate) => candidate.name === name);
  if (!cluster) {
    const known = allClusters(lab.plan).map((candidate) => candidate.name);
    throw new LabFailure(`There is no cluster ${name}.`, `Use one of: ${known.join(', ')}.`);
  }
  return cluster;
}

export function memberNamed(lab: Lab, name: string): { cluster: PlannedCluster; member: PlannedMember } {
  for (const cluster of allClusters(lab.plan)) {
    const member = cluster.members.find((candidate) => candidate.name === name);
    if (member) {
      return { cluster, member };
    }
  }
  throw new LabFailure(`There is no member ${name}.`, 'See the members with `npm run lab status`.');
}

/** Returns the target of a cluster fault from `[cluster]`: by default gz's default cluster. */
export function clusterTarget(lab: Lab, [name]: string[]): string {
  return clusterNamed(lab, name ?? defaultCluster(lab)).name;
}

/** Like clusterTarget, among the clusters with TLS. */
export function tlsClusterTarget(lab: Lab, [name]: string[]): string {
  const known = allClusters(lab.plan).filter(({ tls }) => tls);
  const cluster = name === undefined ? known[0] : clusterNamed(lab, name);
  if (!cluster.tls) {
    throw new LabFailure(
      `${cluster.name} serves no certificates.`,
      `Use one of: ${known.map((each) => each.name).join(', ')}.`
    );
  }
  return cluster.name;
}

const defaultCluster = (lab: Lab) => `${lab.plan.regions[0].name}-etcd-default`;

/**
 * Returns the target of a member fault from `[cluster] [member]`: by default a follower of gz's default cluster. The
 * member may be given by its full name or by its number.
 */
export const memberTarget = (lab: Lab, args: string[]) => chosenMember(lab, args, aFollower);

/** Like memberTarget, by default the leader. */
export const leaderTarget = (lab: Lab, args: string[]) => chosenMember(lab, args, theLeader);

async function chosenMember(
  lab: Lab,
  [clusterName, memberName]: string[],
  byDefault: (lab: Lab, cluster: PlannedCluster) => Promise<PlannedMember>
): Promise<string> {
  const cluster = clusterNamed(lab, clusterName ?? defaultCluster(lab));
  if (memberName === undefined) {
    return (await byDefault(lab, cluster)).name;
  }
  const member = cluster.members.find(({ name }) => name === memberName || name === `${cluster.name}-${memberName}`);
  if (!member) {
    const known = cluster.members.map(({ name }) => name).join(', ');
    throw new LabFailure(`${cluster.name} has no member ${memberName}.`, `Use one of: ${known}.`);
  }
  return member.name;
}

/** Returns the target of a host fault from `[host]`: by default the host of the leader of gz's default cluster. */
export async function hostTarget(lab: Lab, [name]: string[]): Promise<string> {
  if (name === undefined) {
    return (await theLeader(lab, clusterNamed(lab, defaultCluster(lab)))).host;
  }
  const members = allClusters(lab.plan).flatMap((cluster) => cluster.members);
  const hosts = [...new Set(members.map(({ host }) => host))];
  if (!hosts.includes(name)) {
    throw new LabFailure(`There is no host ${name}.`, `Use one of: ${hosts.join(', ')}.`);
  }
  return name;
}

/** The names of the members on a host. */
export const membersOn = (host: string, lab: Lab): string[] =>
  allClusters(lab.plan)
    .flatMap(({ members }) => members)
    .filter((member) => member.host === host)
    .map(({ name }) => name);

/** Returns the target of a region fault from `[region]`: by default the first region. */
export function regionTarget(lab: Lab, [name]: string[]): string {
  return regionNamed(lab, name ?? lab.plan.regions[0].name).name;
}

async function theLeader(lab: Lab, cluster: PlannedCluster): Promise<PlannedMember> {
  for (const member of cluster.members) {
    if (await isLeader(lab, cluster, member).catch(() => false)) {
      return member;
    }
  }
  throw new LabFailure(
    `${cluster.name} has no leader.`,
    'Heal its other faults with `npm run lab heal`, or name a member.'
  );
}

/** Returns the first member that is not the leader and that no other fault holds. */
async function aFollower(lab: Lab, cluster: PlannedCluster): Promise<PlannedMember> {
  for (const member of cluster.members) {
    const isHeld = activeFaults(lab).some(({ target }) => target === member.name);
    if (!isHeld && !(await isLeader(lab, cluster, member))) {
      return member;
    }
  }
  const faults = activeFaults(lab).map(describeFault).join(', ');
  throw new LabFailure(
    `No follower of ${cluster.name} is left: active faults are ${faults}.`,
    'Heal one with `npm run lab heal`, or name a member.'
  );
}
