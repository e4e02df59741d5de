import type { Fault } from './fault.ts';
import { damageData, joinAnew } from './member-data.ts';
import { memberTarget } from './targets.ts';

export const changeValues: Fault = {
  name: 'change-values',
  targets: '[cluster] [member]',
  summary: 'changes a byte in half of the values of one etcd member, by default a follower; no key is lost',
  effect:
    'Within two minutes the inspection data-consistency of the cluster is Failed, while etcd-node-key-diff passes.',
  outlivesStop: true,
  target: memberTarget,
  holds: () => [],
  inject: (lab, member) => damageData(lab, member, 'values'),
  heal: joinAnew,
};
