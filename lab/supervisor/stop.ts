import path from 'node:path';

import type { Lab } from '../lab.ts';
import { showProgress } from '../../terminal/progress.ts';
import type { ProcessRecord } from './records.ts';
import { stopProcess } from './supervisor.ts';

/** Stops the processes in an order in which none waits for one that is already stopped, and shows the progress. */
export async function stopProcesses(lab: Lab, records: ProcessRecord[]): Promise<void> {
  const progress = showProgress({ doing: 'Stopping', done: 'has stopped' }, records.length);
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
 * Returns waves, which run one after the other. The sequences of a wave are stopped in parallel. API servers stop
 * before their etcds, without which they cannot shut down in order. The members of a cluster stop one by one, because
 * a leader would wait long for stopped followers to take over.
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
