import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

import { etcdClientTls } from './credentials.ts';
import { LabFailure, reasonOf } from './failure.ts';
import { type HttpAnswer, http } from './http.ts';
import type { Lab } from './lab.ts';
import type { PlannedCluster, PlannedMember } from './plan.ts';

/** etcd refuses a membership change for some seconds after another one. */
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
  // The member is found by its address: one that was added and never started has no name yet.
  const listed = members.find(({ peerURLs }) => peerURLs.includes(member.peerURL));
  if (listed) {
    await changeMembership(lab, cluster, through, '/v3/cluster/member/remove', { ID: listed.ID });
  }
  await wipe();
  await changeMembership(lab, cluster, through, '/v3/cluster/member/add', { peerURLs: [member.peerURL] });
}

const fillerPrefix = 'lab/fill-quota/';
/** Below the warning threshold of large-key-values, so that NOSPACE is the only problem to report. */
const fillerBytes = 384 * 1024;
/** Calls that are slow on a busy disk. */
const slowPaths = ['/v3/kv/put', '/v3/kv/txn', '/v3/kv/deleterange', '/v3/kv/compaction', '/v3/maintenance/defragment'];
const patientMilliseconds = 60_000;
/** etcd allows at most 128. */
const putsPerTransaction = 100;
const parallelTransactions = 4;

/** Writes one key with a value of the given number of bytes. */
export async function writeValue(lab: Lab, cluster: PlannedCluster, key: string, bytes: number): Promise<void> {
  const through = await answeringMember(lab, cluster);
  const value = randomBytes(bytes).toString('base64');
  await call(lab, cluster, through, '/v3/kv/put', { key: base64(key), value });
}

/** Writes the given number of keys with small values. */
export async function writeKeys(lab: Lab, cluster: PlannedCluster, prefix: string, keys: number): Promise<void> {
  const through = await answeringMember(lab, cluster);
  const value = base64('x');
  let next = 0;
  const write = async () => {
    while (next < keys) {
      const first = next;
      next = Math.min(first + putsPerTransaction, keys);
      const success = Array.from({ length: next - first }, (_, index) => ({
        requestPut: { key: base64(`${prefix}${first + index}`), value },
      }));
      await call(lab, cluster, through, '/v3/kv/txn', { success });
    }
  };
  await Promise.all(Array.from({ length: parallelTransactions }, write));
}

/** Deletes all keys that start with the prefix, which ends with a slash. Returns the cluster's revision. */
export async function deleteKeys(lab: Lab, cluster: PlannedCluster, prefix: string): Promise<string> {
  const through = await answeringMember(lab, cluster);
  const { header } = await call<{ header: { revision: string } }>(lab, cluster, through, '/v3/kv/deleterange', {
    key: base64(prefix),
    range_end: base64(`${prefix.slice(0, -1)}0`), // 0 follows /
  });
  return header.revision;
}

/** Writes until the cluster refuses writes because it has raised the alarm NOSPACE. */
export async function writeUntilFull(lab: Lab, cluster: PlannedCluster): Promise<void> {
  const through = await answeringMember(lab, cluster);
  const value = randomBytes(fillerBytes).toString('base64');
  // Writes are sequential, and at most twice the quota: other processes share the disk.
  for (let index = 0; index < (2 * cluster.quotaBytes) / fillerBytes; index++) {
    const answer = await request(lab, cluster, through, '/v3/kv/put', {
      key: base64(`${fillerPrefix}${index}`),
      value,
    });
    if (answer.status !== 200 && answer.body.includes('database space exceeded')) {
      return;
    }
    requireOk(answer, through, '/v3/kv/put');
  }
  throw new Error(`${cluster.name} accepted twice its quota and did not refuse a write`);
}

/** Frees space as an administrator does after NOSPACE: delete, compact, defragment each member, disarm the alarm. */
export async function freeSpace(lab: Lab, cluster: PlannedCluster): Promise<void> {
  const through = await answeringMember(lab, cluster);
  const revision = await deleteKeys(lab, cluster, fillerPrefix);
  await call(lab, cluster, through, '/v3/kv/compaction', { revision, physical: true });
  for (const member of cluster.members) {
    await call(lab, cluster, member, '/v3/maintenance/defragment');
  }
  const { alarms = [] } = await call<{ alarms?: Array<{ memberID: string; alarm: string }> }>(
    lab,
    cluster,
    through,
    '/v3/maintenance/alarm',
    { action: 'GET' }
  );
  for (const alarm of alarms.filter(({ alarm: kind }) => kind === 'NOSPACE')) {
    await call(lab, cluster, through, '/v3/maintenance/alarm', { action: 'DEACTIVATE', ...alarm });
  }
}

const base64 = (text: string) => Buffer.from(text).toString('base64');

interface MemberList {
  members: Array<{ ID: string; peerURLs: string[] }>;
}

/** Returns a member that answers, other than the given one. */
async function answeringMember(lab: Lab, cluster: PlannedCluster, except?: PlannedMember): Promise<PlannedMember> {
  const reasons: string[] = [];
  for (const member of cluster.members.filter(({ name }) => name !== except?.name)) {
    try {
      await isLeader(lab, cluster, member);
      return member;
    } catch (error) {
      reasons.push(reasonOf(error));
    }
  }
  throw new LabFailure(
    `No ${except ? 'other ' : ''}member of ${cluster.name} answers: ${reasons.join('; ')}.`,
    'Heal the other faults of the cluster first; see `npm run lab status`.'
  );
}

/** Whether the member leads its cluster. Throws if it does not answer. */
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

/** Calls etcd's JSON gateway, which every member serves alongside gRPC. */
async function call<T>(
  lab: Lab,
  cluster: PlannedCluster,
  member: PlannedMember,
  path: string,
  body: object = {}
): Promise<T> {
  return JSON.parse(requireOk(await request(lab, cluster, member, path, body), member, path)) as T;
}

function request(
  lab: Lab,
  cluster: PlannedCluster,
  member: PlannedMember,
  path: string,
  body: object
): Promise<HttpAnswer> {
  const options = {
    method: 'POST',
    body: JSON.stringify(body),
    ...(slowPaths.includes(path) ? { timeoutMilliseconds: patientMilliseconds } : {}),
    ...etcdClientTls(lab, cluster),
  };
  return http(member.clientURL + path, options).catch((error: unknown) => {
    throw new LabFailure(`${member.name} does not answer: ${reasonOf(error)}.`, 'See `npm run lab status`.');
  });
}

function requireOk(answer: HttpAnswer, member: PlannedMember, path: string): string {
  if (answer.status !== 200) {
    throw new Error(`${member.name} answered ${answer.status} to ${path}: ${answer.body}`);
  }
  return answer.body;
}
