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
 * Stops the member, deletes or changes half of what it holds, and starts it again. Half: the traffic writes a fifth of the
 * keys anew all the time, which would soon hide the damage of a few.
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

/** What an operator does in production: remove the member, wipe it, add it again as a new one. */
export async function joinAnew(lab: Lab, target: string): Promise<void> {
  const { cluster, member } = memberNamed(lab, target);
  await replaceMember(lab, cluster, member, () => wipe(lab, target));
  await startService(lab, etcdMember(lab, cluster, member, { state: 'existing' }));
}

/** Ends the member and forgets its data. */
export async function wipe(lab: Lab, target: string): Promise<void> {
  await ensureDown(lab, target);
  await rm(dataDir(lab, target), { recursive: true, force: true });
}
