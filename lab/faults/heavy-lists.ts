import { startService } from '../supervisor/supervisor.ts';
import { client } from './client.ts';
import type { Fault } from './fault.ts';
import { ensureDown } from './processes.ts';
import { clusterNamed, clusterTarget } from './targets.ts';

const listsPerSecond = 30;

export const heavyLists: Fault = {
  name: 'heavy-lists',
  targets: '[cluster]',
  summary: `reads all keys of a cluster at once, ${listsPerSecond} times a second`,
  effect: 'The members send many times as many bytes as before: the diagnosis of the cluster names large lists.',
  outlivesStop: false,
  target: clusterTarget,
  holds: (cluster) => [readerName(cluster)],
  inject: (lab, cluster) =>
    startService(
      lab,
      client(lab, readerName(cluster), clusterNamed(lab, cluster), {
        listsEverything: true,
        requestsPerSecond: listsPerSecond,
      })
    ),
  heal: (lab, cluster) => ensureDown(lab, readerName(cluster)),
};

const readerName = (cluster: string) => `heavy-lists-${cluster}`;
