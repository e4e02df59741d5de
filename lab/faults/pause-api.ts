import { apiserverNameOf } from '../services/etcd-apiserver.ts';
import type { Fault } from './fault.ts';
import { bringBack, pause } from './processes.ts';
import { regionTarget } from './targets.ts';

export const pauseApi: Fault = {
  name: 'pause-api',
  targets: '[region]',
  summary: "freezes one region's etcd-apiserver: connections stay open, nothing answers",
  effect: 'As stop-api, but no connection is closed: only a timeout detects it.',
  outlivesStop: false,
  target: regionTarget,
  holds: (region) => [apiserverNameOf(region)],
  inject: (lab, region) => pause(lab, apiserverNameOf(region)),
  heal: (lab, region) => bringBack(lab, apiserverNameOf(region)),
};
