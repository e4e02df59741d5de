import { sidecarNameOf } from '../services/thanos.ts';
import type { Fault } from './fault.ts';
import { bringBack, shutDown } from './processes.ts';
import { regionTarget } from './targets.ts';

export const stopSidecar: Fault = {
  name: 'stop-sidecar',
  targets: '[region]',
  summary: "stops the Thanos sidecar of one region's Prometheus",
  effect: 'Metric queries answer in part, with a notice that names the store that is missing.',
  outlivesStop: false,
  target: regionTarget,
  holds: (region) => [sidecarNameOf(region)],
  inject: (lab, region) => shutDown(lab, sidecarNameOf(region)),
  heal: (lab, region) => bringBack(lab, sidecarNameOf(region)),
};
