import type { Fault } from './fault.ts';
import { bringBack, kill } from './processes.ts';
import { clusterNamed, clusterTarget } from './targets.ts';

export const killQuorum: Fault = {
  name: 'kill-quorum',
  targets: '[cluster]',
  summary: 'kills two of the three members of an etcd cluster: no leader, no writes',
  effect: 'Every objective of the cluster burns: EtcdErrorBudgetBurnFast fires for it within two minutes.',
  outlivesStop: false,
  target: clusterTarget,
  holds: killedMembers,
  async inject(lab, cluster) {
    clusterNamed(lab, cluster);
    await Promise.all(killedMembers(cluster).map((member) => kill(lab, member)));
  },
  // Both start together, because one alone waits for its quorum.
  async heal(lab, cluster) {
    await Promise.all(killedMembers(cluster).map((member) => bringBack(lab, member)));
  },
};

function killedMembers(cluster: string): string[] {
  return [`${cluster}-1`, `${cluster}-2`];
}
