import type { Fault } from './fault.ts';
import { bringBack, kill } from './processes.ts';
import { hostTarget, membersOn } from './targets.ts';

export const killHost: Fault = {
  name: 'kill-host',
  targets: '[host]',
  summary: 'kills all etcd members on one host, as when the host is lost',
  effect: 'Each cluster of the region has a member down, and the diagnosis names the host.',
  outlivesStop: false,
  target: hostTarget,
  holds: membersOn,
  async inject(lab, host) {
    await Promise.all(membersOn(host, lab).map((member) => kill(lab, member)));
  },
  async heal(lab, host) {
    await Promise.all(membersOn(host, lab).map((member) => bringBack(lab, member)));
  },
};
