import type { PlannedRegion } from '../plan.ts';
import type { KubernetesObject } from './client.ts';
import { apiVersion } from './objects.ts';

/** A check of an EtcdInspectionPolicy. */
interface PolicyCheck {
  name: string;
  interval: string;
  parameters?: Record<string, string>;
}

/** Cheap checks. They have run before the lab reports that it is up. */
export const quickChecks: PolicyCheck[] = [
  { name: 'etcd-node-key-diff', interval: '30s' },
  { name: 'alarms', interval: '30s' },
  { name: 'membership', interval: '30s' },
  { name: 'health-after-change', interval: '30s', parameters: { settle: '1m', follow: '5m' } },
  // A machine that runs a whole lab is sometimes slow, which latency SLIs already show.
  { name: 'request-latency', interval: '30s', parameters: { warnAfter: '1s', failAfter: '3s' } },
];

/**
 * All checks of cruiser, at intervals short enough to watch. Only backup-age is missing, because the lab has no
 * backups. To add a check, add a line.
 */
export const labChecks: PolicyCheck[] = [
  ...quickChecks,
  { name: 'quota-and-fragmentation', interval: '1m' },
  { name: 'certificate-expiry', interval: '1m' },
  { name: 'write-qps-outliers', interval: '1m', parameters: { sample: '5s' } },
  { name: 'data-consistency', interval: '1m' },
  // A few hours of a lab cannot predict a week.
  { name: 'key-count-growth', interval: '1m', parameters: { forecastWithin: '12h' } },
  { name: 'large-key-values', interval: '1m' },
];

/** The policy from which the operator makes the EtcdMonitors of the region's clusters. */
export const inspectionPolicy = (region: PlannedRegion): KubernetesObject => ({
  apiVersion,
  kind: 'EtcdInspectionPolicy',
  metadata: { name: 'lab', namespace: region.name },
  spec: { checks: labChecks },
});
