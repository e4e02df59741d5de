import { execa } from 'execa';
import { rm } from 'node:fs/promises';
import path from 'node:path';

import { replaceMember } from '../etcd-admin.ts';
import { type Lab, dataDir, program } from '../lab.ts';
import { etcdMember } from '../services/etcd-member.ts';
import { startService } from '../supervisor/supervisor.ts';
import { bringBack, ensureDown, shutDown } from './processes.ts';
import { memberNamed } from './targets.ts';

/**
 * Stops the member, deletes or changes half of its keys, and starts it again. It takes half of them because the traffic
 * constantly rewrites a fifth of the keys, which would soon hide the damage to a few.
 */
export async function damageData(lab: Lab, target: string, what: 'keys' | 'values'): Promise<void> {
  const { cluster } = memberNamed(lab, target);
  const database = path.join(dataDir(lab, target), 'member', 'snap', 'db');
  await shutDown(lab, target);
  try {
    await execa(program(lab, 'corrupt'), [`--db=${database}`, `--${what}=${Math.floor(cluster.objects / 2)}`]);
  } finally {
    await bringBack(lab, target);
  }
}

/** Repairs the member as in production: remove it, wipe its data and add it as a new member. */
export async function joinAnew(lab: Lab, target: string): Promise<void> {
  const { cluster, member } = memberNamed(lab, target);
  await replaceMember(lab, cluster, member, () => wipe(lab, target));
  await startService(lab, etcdMember(lab, cluster, member, { state: 'existing' }));
}

/** Stops the member and deletes its data. */
export async function wipe(lab: Lab, target: string): Promise<void> {
  await ensureDown(lab, target);
  await rm(dataDir(lab, target), { recursive: true, force: true });
}
