import type { Fault } from './fault.ts';
import { bringBack, pause } from './processes.ts';
import { memberTarget } from './targets.ts';

export const pauseMember: Fault = {
  name: 'pause-member',
  targets: '[cluster] [member]',
  summary: 'freezes one etcd member: connections stay open, nothing answers',
  effect: 'The cluster becomes Degraded; clients of the member must time out.',
  outlivesStop: false,
  target: memberTarget,
  holds: (member) => [member],
  inject: pause,
  heal: bringBack,
};
