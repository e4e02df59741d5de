import type { Fault } from './fault.ts';
import { bringBack, kill } from './processes.ts';
import { memberTarget } from './targets.ts';

export const killMember: Fault = {
  name: 'kill-member',
  targets: '[cluster] [member]',
  summary: 'kills one etcd member',
  effect: 'The cluster becomes Degraded with a member missing; its inspections report no false difference.',
  outlivesStop: false,
  target: memberTarget,
  holds: (member) => [member],
  inject: kill,
  heal: bringBack,
};
