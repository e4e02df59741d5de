import { etcdMember } from '../services/etcd-member.ts';
import { startService } from '../supervisor/supervisor.ts';
import type { Fault } from './fault.ts';
import { joinAnew, wipe } from './member-data.ts';
import { bringBack, shutDown } from './processes.ts';
import { memberNamed, memberTarget } from './targets.ts';

export const splitMember: Fault = {
  name: 'split-member',
  targets: '[cluster] [member]',
  summary: 'wipes one etcd member, by default a follower, and starts it with a wrong initial cluster: one of its own',
  effect: 'The inspection membership of the cluster is Failed; inspections that compare members refuse to run.',
  outlivesStop: true,
  target: memberTarget,
  holds: () => [],
  async inject(lab, target) {
    const { cluster, member } = memberNamed(lab, target);
    await shutDown(lab, target);
    await wipe(lab, target);
    await startService(lab, etcdMember(lab, cluster, member, { peers: [member] }));
    // The initial cluster matters at the first start only, so the member is restarted with its usual settings.
    await shutDown(lab, target);
    await bringBack(lab, target);
  },
  heal: joinAnew,
};
