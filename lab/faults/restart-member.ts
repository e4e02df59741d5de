import type { Fault } from './fault.ts';
import { bringBack, shutDown } from './processes.ts';
import { memberTarget } from './targets.ts';

export const restartMember: Fault = {
  name: 'restart-member',
  targets: '[cluster] [member]',
  summary: 'restarts one etcd member, by default a follower, in an orderly way',
  effect:
    'The inspection health-after-change of the cluster tells of it and follows it up; it passes while all is well.',
  outlivesStop: false,
  target: memberTarget,
  holds: () => [],
  async inject(lab, member) {
    await shutDown(lab, member);
    await bringBack(lab, member);
  },
  // It is over, unless it did not end well.
  heal: bringBack,
};
