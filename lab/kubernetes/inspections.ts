import type { PlannedRegion } from '../plan.ts';
import type { KubernetesObject } from './client.ts';
import { apiVersion } from './objects.ts';

/** A check of an EtcdInspectionPolicy. */
interface PolicyCheck {
  name: string;
  interval: string;
  parameters?: Record<string, string>;
}

/** What nothing costs: it has run before the lab is said to be up. */
export const quickChecks: PolicyCheck[] = [
  { name: 'etcd-node-key-diff', interval: '30s' },
  { name: 'alarms', interval: '30s' },
  { name: 'membership', interval: '30s' },
  { name: 'health-after-change', interval: '30s', parameters: { settle: '1m', follow: '5m' } },
  // A machine that runs a whole lab answers late at times, and latency SLIs tell of that.
  { name: 'request-latency', interval: '30s', parameters: { warnAfter: '1s', failAfter: '3s' } },
];

/**
 * Every check that cruiser has, so often that people see them run. Only backup-age is missing: the lab has no backups. A new
 * check is a line.
 */
export const labChecks: PolicyCheck[] = [
  ...quickChecks,
  { name: 'quota-and-fragmentation', interval: '1m' },
  { name: 'certificate-expiry', interval: '1m' },
  { name: 'write-qps-outliers', interval: '2m', parameters: { sample: '5s' } },
  { name: 'data-consistency', interval: '2m' },
  // Some hours of a lab say little about a week.
  { name: 'key-count-growth', interval: '2m', parameters: { forecastWithin: '12h' } },
  { name: 'large-key-values', interval: '5m' },
];

/** The policy from which the operator makes the EtcdMonitors of the region's clusters. */
export const inspectionPolicy = (region: PlannedRegion): KubernetesObject => ({
  apiVersion,
  kind: 'EtcdInspectionPolicy',
  metadata: { name: 'lab', namespace: region.name },
  spec: { checks: labChecks },
});
