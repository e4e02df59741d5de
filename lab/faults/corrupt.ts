import { execa } from 'execa';
import { rm } from 'node:fs/promises';
import path from 'node:path';

import { replaceMember } from '../etcd-admin.ts';
import { type Lab, dataDir, program } from '../lab.ts';
import { etcdMember } from '../services/etcd-member.ts';
import { startService } from '../supervisor/supervisor.ts';
import type { Fault } from './fault.ts';
import { bringBack, ensureDown, shutDown } from './processes.ts';
import { memberNamed, memberTarget } from './targets.ts';

export const corrupt: Fault = {
  name: 'corrupt',
  targets: '[cluster] [member]',
  summary: 'really deletes half of the keys from the data of one etcd member, by default a follower',
  effect: 'Within one interval the inspection etcd-node-key-diff of the cluster is Failed.',
  outlivesStop: true,
  target: memberTarget,
  holds: () => [],
  inject: deleteKeys,
  heal: startAnew,
};

async function deleteKeys(lab: Lab, target: string): Promise<void> {
  const { cluster } = memberNamed(lab, target);
  const database = path.join(dataDir(lab, target), 'member', 'snap', 'db');
  // Half of the keys: the traffic writes a fifth of them anew all the time, which would soon hide the loss of a few.
  const keys = Math.floor(cluster.objects / 2);
  await shutDown(lab, target);
  try {
    await execa(program(lab, 'corrupt'), [`--db=${database}`, `--keys=${keys}`]);
  } finally {
    await bringBack(lab, target);
  }
}

/** What an operator does in production: remove the member, wipe it, add it again as a new one. */
async function startAnew(lab: Lab, target: string): Promise<void> {
  const { cluster, member } = memberNamed(lab, target);
  await replaceMember(lab, cluster, member, async () => {
    await ensureDown(lab, target);
    await rm(dataDir(lab, target), { recursive: true, force: true });
  });
  await startService(lab, etcdMember(lab, cluster, member, 'existing'));
}
