import path from 'node:path';

import type { Lab } from '../lab.ts';
import { showProgress } from '../terminal/progress.ts';
import type { ProcessRecord } from './records.ts';
import { stopProcess } from './supervisor.ts';

/** Ends the processes in an order in which none waits for another in vain, and shows how far it is. */
export async function stopProcesses(lab: Lab, records: ProcessRecord[]): Promise<void> {
  const progress = showProgress({ doing: 'Stopping', done: 'has ended' }, records.length);
  const endInOrder = async (sequence: ProcessRecord[]) => {
    for (const record of sequence) {
      progress.begin(record.name);
      await stopProcess(lab, record);
      progress.done(record.name);
    }
  };
  try {
    for (const wave of stopOrder(records)) {
      await Promise.all(wave.map(endInOrder));
    }
  } finally {
    progress.end();
  }
}

/**
 * Waves, one after the other, of sequences that are ended side by side. API servers go before their etcds, without
 * which they do not end in order; the members of a cluster go one by one, because a leader waits long for followers
 * that are gone to take over from it.
 */
export function stopOrder(records: ProcessRecord[]): ProcessRecord[][][] {
  const isEtcd = ({ command }: ProcessRecord) => path.basename(command[0]) === 'etcd';
  const clusters = new Map<string, ProcessRecord[]>();
  for (const record of records.filter(isEtcd)) {
    const cluster = record.name.replace(/-\d+$/, '');
    clusters.set(cluster, [...(clusters.get(cluster) ?? []), record]);
  }
  return [records.filter((record) => !isEtcd(record)).map((record) => [record]), [...clusters.values()]];
}
