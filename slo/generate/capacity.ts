// How much etcd each cluster uses and has left, so that dashboards of a fleet read one series for each cluster, or one for
// each group, and not those of all members.
import { by, countBy, maxBy, sumBy } from './promql.ts';
import type { RecordingRule } from './rules.ts';
import { clusterLabels, groupLabels } from './series.ts';

/** Of a cluster. Sizes are in bytes, and of the member that has the largest; ratios are parts of 1. */
export const capacity = {
  /** The part of its quota that the database file of the fullest member takes. A member without a quota has none. */
  quotaUsed: 'cluster:etcd_quota_used:ratio',
  /** The smallest quota of its members. */
  quota: 'cluster:etcd_quota_bytes:min',
  /** The database file. */
  size: 'cluster:etcd_db_size_bytes:max',
  /** What of it is in use: what is free in the file is used before the file grows. */
  inUse: 'cluster:etcd_db_in_use_bytes:max',
  keys: 'cluster:etcd_keys:max',
  /** The free part of the file descriptors that a member may open, of which each connection needs one. */
  descriptorsFree: 'cluster:etcd_descriptors_free:min',
  /** Members by `server_version`: a cluster with several of these series has members of several versions. */
  versions: 'cluster:etcd_version_members:count',
};

/** Sums over the clusters of a group, of the clusters whose quota is known. */
export const groupCapacity = {
  quota: 'spec:etcd_quota_bytes:sum',
  size: 'spec:etcd_db_size_bytes:sum',
  versions: 'spec:etcd_version_members:count',
};

const quota = 'etcd_server_quota_backend_bytes';
const size = 'etcd_mvcc_db_total_size_in_bytes';
const openFiles = 'process_open_fds{job="etcd"}';
const mostOpenFiles = 'process_max_fds{job="etcd"}';

const minBy = (labels: readonly string[], expr: string) => `min ${by(labels)} (${expr})`;

export const capacityRules: RecordingRule[] = [
  { record: capacity.quotaUsed, expr: maxBy(clusterLabels, `${size} / (${quota} > 0)`) },
  { record: capacity.quota, expr: minBy(clusterLabels, `${quota} > 0`) },
  { record: capacity.size, expr: maxBy(clusterLabels, size) },
  { record: capacity.inUse, expr: maxBy(clusterLabels, 'etcd_mvcc_db_total_size_in_use_in_bytes') },
  { record: capacity.keys, expr: maxBy(clusterLabels, 'etcd_debugging_mvcc_keys_total') },
  { record: capacity.descriptorsFree, expr: minBy(clusterLabels, `1 - ${openFiles} / (${mostOpenFiles} > 0)`) },
  { record: capacity.versions, expr: countBy([...clusterLabels, 'server_version'], 'etcd_server_version') },
  { record: groupCapacity.quota, expr: sumBy(groupLabels, `${capacity.quota} and ${capacity.size}`) },
  { record: groupCapacity.size, expr: sumBy(groupLabels, `${capacity.size} and ${capacity.quota}`) },
  { record: groupCapacity.versions, expr: sumBy([...groupLabels, 'server_version'], capacity.versions) },
];
