import { apiserverNameOf } from '../services/etcd-apiserver.ts';
import type { Fault } from './fault.ts';
import { bringBack, kill } from './processes.ts';
import { regionTarget } from './targets.ts';

export const stopApi: Fault = {
  name: 'stop-api',
  targets: '[region]',
  summary: "stops one region's etcd-apiserver",
  effect: 'Queries still answer, with a notice of how old the region’s data is; Run now is refused there.',
  outlivesStop: false,
  target: regionTarget,
  holds: (region) => [apiserverNameOf(region)],
  // On SIGTERM it would serve its open watches for another minute.
  inject: (lab, region) => kill(lab, apiserverNameOf(region)),
  heal: (lab, region) => bringBack(lab, apiserverNameOf(region)),
};
