import { cruiserNameOf } from '../services/cruiser.ts';
import type { Fault } from './fault.ts';
import { bringBack, shutDown } from './processes.ts';
import { regionTarget } from './targets.ts';

export const stopCruiser: Fault = {
  name: 'stop-cruiser',
  targets: '[region]',
  summary: "stops one region's cruiser",
  effect: 'Inspections of the region become stale; a requested run stays queued until cruiser is back.',
  outlivesStop: false,
  target: regionTarget,
  holds: (region) => [cruiserNameOf(region)],
  inject: (lab, region) => shutDown(lab, cruiserNameOf(region)),
  heal: (lab, region) => bringBack(lab, cruiserNameOf(region)),
};
