import { thanosQueryName } from '../services/thanos.ts';
import type { Fault } from './fault.ts';
import { bringBack, shutDown } from './processes.ts';

export const stopThanos: Fault = {
  name: 'stop-thanos',
  targets: '',
  summary: 'stops Thanos query',
  effect: 'Metric queries fail with a clear error; clusters are still listed, with health Unknown.',
  outlivesStop: false,
  target: () => '',
  holds: () => [thanosQueryName],
  inject: (lab) => shutDown(lab, thanosQueryName),
  heal: (lab) => bringBack(lab, thanosQueryName),
};
