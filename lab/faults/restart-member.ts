import type { Fault } from './fault.ts';
import { bringBack, shutDown } from './processes.ts';
import { memberTarget } from './targets.ts';

export const restartMember: Fault = {
  name: 'restart-member',
  targets: '[cluster] [member]',
  summary: 'restarts one etcd member, by default a follower, in an orderly way',
  effect:
    'The inspection health-after-change of the cluster reports it and follows up; it passes while the cluster is healthy.',
  outlivesStop: false,
  target: memberTarget,
  holds: () => [],
  async inject(lab, member) {
    await shutDown(lab, member);
    await bringBack(lab, member);
  },
  // Nothing is left to heal, unless the restart failed.
  heal: bringBack,
};
