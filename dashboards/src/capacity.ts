// Whether there is enough etcd, as PromQL and panels: from what the rules record of each cluster (slo/generate/capacity.ts), from
// the inventory, and from cruiser's check key-count-growth. `by` are the labels that stay.
import type { Threshold } from '@grafana/grafana-foundation-sdk/dashboard';
import { capacity, groupCapacity } from '../../slo/generate/capacity.ts';
import type { Fact } from './facts.ts';
import { answer, coloured, greenUntilOne, share } from './panels.ts';
import { countOf, instant } from './queries.ts';

/** From these parts of the quota on: the check quota-and-fragmentation warns from the first on. */
export const nearQuota = 0.75;
export const quotaSteps: Threshold[] = [
  { color: 'green', value: null },
  { color: 'orange', value: nearQuota },
  { color: 'red', value: 0.85 },
];

/** Days before the quota is full. */
const soon = 7;
const daysLeftSteps: Threshold[] = [
  { color: 'red', value: null },
  { color: 'orange', value: soon },
  { color: 'text', value: 30 },
];

/** A number of days, not scaled to weeks or years, so that a column can be compared. */
export const days = [
  { id: 'unit', value: 'suffix:d' },
  { id: 'decimals', value: 1 },
];

export const bytes = [{ id: 'unit', value: 'bytes' }];

export const quotaUsed = (by: string, where: string) => `max by (${by}) (${capacity.quotaUsed}{${where}})`;

/** Bytes of database files, and of quotas, of the clusters of which both are known. */
const sizeOfGroups = (by: string, where: string) => `sum by (${by}) (${groupCapacity.size}{${where}})`;
const quotaOfGroups = (by: string, where: string) => `sum by (${by}) (${groupCapacity.quota}{${where}})`;

/** The part of all quotas that all files take: a ratio of sums. */
export const quotaUsedOfGroups = (by: string, where: string) =>
  `${sizeOfGroups(by, where)} / ${quotaOfGroups(by, where)}`;

const quotaLeftOfGroups = (by: string, where: string) => `${quotaOfGroups(by, where)} - ${sizeOfGroups(by, where)}`;

/** Keys that fit in beside those that there are, if they are as large: what is free in a file is used before it grows. */
const roomForKeys = (by: string, where: string) =>
  `sum by (${by}) (clamp_min(${capacity.keys}{${where}} * (${capacity.quota}{${where}} / (${capacity.inUse}{${where}} > 0) - 1), 0))`;

const connectionsFree = (by: string, where: string) => `min by (${by}) (${capacity.descriptorsFree}{${where}})`;

/** Days until data in use reach the quota, as the last run of the check foresaw; of clusters that grow alone. */
const daysUntilFull = (by: string, where: string) =>
  `clamp_min(min by (${by}) (etcd_inspection_last_run_timestamp_seconds{check="key-count-growth",${where}} + etcd_inspection_quota_forecast_seconds{${where}}) - time(), 0) / 86400`;

/** Bytes in use that have come within the dashboard's time range; negative when some have gone. */
export const growth = (by: string, where: string) =>
  `max by (${by}) (${capacity.inUse}{${where}} - ${capacity.inUse}{${where}} offset $__range)`;

/** How many Kubernetes clusters store in each cluster, by the inventory. Each replica of the operator says so. */
export const kubernetesOf = (by: string, where: string) =>
  `max by (${by}) (etcdfleet_cluster_kubernetes_clusters{${where}})`;

const everyCluster = 'region, product, scene, spec, cluster';

/** Clusters in which no Kubernetes cluster stores. */
export function freeClusters(by: string, where: string): string {
  const all = kubernetesOf(everyCluster, where);
  return `count by (${by}) (${all} == 0) or 0 * count by (${by}) (${all})`;
}

export const clusterCount = (by: string, where: string) => `count by (${by}) (cluster:etcd_members:expected{${where}})`;

/** The columns of tables, of groups of clusters or of each cluster. */
export const facts = {
  clusters: (by: string, where: string): Fact => ({ name: 'clusters', expr: clusterCount(by, where), width: 75 }),
  free: (by: string, where: string): Fact => ({ name: 'free clusters', expr: freeClusters(by, where), width: 105 }),
  quotaLeft: (by: string, where: string): Fact => ({
    name: 'quota left',
    expr: quotaLeftOfGroups(by, where),
    width: 90,
    config: bytes,
  }),
  fullest: (by: string, where: string): Fact => ({
    name: 'fullest',
    expr: quotaUsed(by, where),
    width: 85,
    config: [...share(1), ...coloured(quotaSteps, 'color-text')],
  }),
  quotaUsed: (by: string, where: string): Fact => ({ ...facts.fullest(by, where), name: 'quota used', width: 95 }),
  fullIn: (by: string, where: string): Fact => ({
    name: 'full in',
    expr: daysUntilFull(by, where),
    width: 85,
    config: [...days, ...coloured(daysLeftSteps, 'color-text')],
  }),
  roomForKeys: (by: string, where: string): Fact => ({
    name: 'room for keys',
    expr: roomForKeys(by, where),
    width: 115,
    config: [{ id: 'unit', value: 'short' }],
  }),
  connectionsFree: (by: string, where: string): Fact => ({
    name: 'connections free',
    expr: connectionsFree(by, where),
    width: 130,
    config: share(1),
  }),
  size: (by: string, where: string): Fact => ({
    name: 'size',
    expr: `max by (${by}) (${capacity.size}{${where}})`,
    width: 85,
    config: bytes,
  }),
  growth: (by: string, where: string): Fact => ({
    name: 'growth',
    expr: growth(by, where),
    width: 90,
    config: bytes,
  }),
  keys: (by: string, where: string): Fact => ({
    name: 'keys',
    expr: `max by (${by}) (${capacity.keys}{${where}})`,
    width: 75,
    config: [{ id: 'unit', value: 'short' }],
  }),
};

export const clustersNearQuota = (where: string) =>
  answer(
    'Near the quota',
    `Clusters whose database takes ${100 * nearQuota} % of its quota or more; at 100 % writes are refused.`,
    'none',
    greenUntilOne('orange')
  )
    .noValue('not recorded')
    .withTarget(instant(countOf(quotaUsed('region, cluster', where), `>= ${nearQuota}`)));

export const clustersFullSoon = (where: string) =>
  answer(
    `Full within ${soon} days`,
    'Clusters whose data reach the quota by then if they go on growing, of those that the check key-count-growth inspects.',
    'none',
    greenUntilOne('red')
  )
    .noValue('not inspected')
    .withTarget(
      instant(
        `count(${daysUntilFull('region, cluster', where)} < ${soon}) or 0 * count(etcd_inspection_counted_keys{${where}})`
      )
    );
