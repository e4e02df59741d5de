import type { Fault } from './fault.ts';
import { damageData, joinAnew } from './member-data.ts';
import { memberTarget } from './targets.ts';

export const corrupt: Fault = {
  name: 'corrupt',
  targets: '[cluster] [member]',
  summary: 'deletes half of the keys from the data of one etcd member, by default a follower',
  effect: 'Within two minutes the inspections etcd-node-key-diff and data-consistency of the cluster are Failed.',
  outlivesStop: true,
  target: memberTarget,
  holds: () => [],
  inject: (lab, member) => damageData(lab, member, 'keys'),
  heal: joinAnew,
};
