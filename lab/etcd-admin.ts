import { setTimeout as sleep } from 'node:timers/promises';

import { etcdClientTls } from './credentials.ts';
import { LabFailure, reasonOf } from './failure.ts';
import { http } from './http.ts';
import type { Lab } from './lab.ts';
import type { PlannedCluster, PlannedMember } from './plan.ts';

/** etcd refuses changes of membership for some seconds after another one. */
const unhealthySeconds = 60;

/** Removes the member from its cluster, adds it as a new one, and calls `wipe` in between. */
export async function replaceMember(
  lab: Lab,
  cluster: PlannedCluster,
  member: PlannedMember,
  wipe: () => Promise<void>
): Promise<void> {
  const through = await answeringMember(lab, cluster, member);
  const { members } = await call<MemberList>(lab, cluster, through, '/v3/cluster/member/list');
  // By its address: a member that was added and never started has no name yet.
  const listed = members.find(({ peerURLs }) => peerURLs.includes(member.peerURL));
  if (listed) {
    await changeMembership(lab, cluster, through, '/v3/cluster/member/remove', { ID: listed.ID });
  }
  await wipe();
  await changeMembership(lab, cluster, through, '/v3/cluster/member/add', { peerURLs: [member.peerURL] });
}

interface MemberList {
  members: Array<{ ID: string; peerURLs: string[] }>;
}

/** A member other than the given one that answers. */
async function answeringMember(lab: Lab, cluster: PlannedCluster, except: PlannedMember): Promise<PlannedMember> {
  const reasons: string[] = [];
  for (const member of cluster.members.filter(({ name }) => name !== except.name)) {
    try {
      await isLeader(lab, cluster, member);
      return member;
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
  throw new LabFailure(
    `No other member of ${cluster.name} answers: ${reasons.join('; ')}.`,
    'Heal the other faults of the cluster first; see `npm run lab status`.'
  );
}

/** Whether the member leads its cluster; throws when it does not answer. */
export async function isLeader(lab: Lab, cluster: PlannedCluster, member: PlannedMember): Promise<boolean> {
  const status = await call<{ leader: string; header: { member_id: string } }>(
    lab,
    cluster,
    member,
    '/v3/maintenance/status'
  );
  return status.leader === status.header.member_id;
}

async function changeMembership(
  lab: Lab,
  cluster: PlannedCluster,
  through: PlannedMember,
  path: string,
  body: object
): Promise<void> {
  const deadline = Date.now() + unhealthySeconds * 1000;
  for (;;) {
    try {
      await call(lab, cluster, through, path, body);
      return;
    } catch (error) {
      if (Date.now() > deadline || !String(error).includes('unhealthy cluster')) {
        throw error;
      }
      await sleep(1000);
    }
  }
}

/** One call of etcd's JSON gateway, which every member serves beside gRPC. */
async function call<T>(
  lab: Lab,
  cluster: PlannedCluster,
  member: PlannedMember,
  path: string,
  body: object = {}
): Promise<T> {
  const options = { method: 'POST', body: JSON.stringify(body), ...etcdClientTls(lab, cluster) };
  const answer = await http(member.clientURL + path, options).catch((error: unknown) => {
    throw new LabFailure(`${member.name} does not answer: ${reasonOf(error)}.`, 'See `npm run lab status`.');
  });
  if (answer.status !== 200) {
    throw new Error(`${member.name} answered ${answer.status} to ${path}: ${answer.body}`);
  }
  return JSON.parse(answer.body) as T;
}
