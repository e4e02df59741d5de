// The metrics that the members and API servers of the fleet expose: all series that the rules read, in every cluster.
// This is the most expensive case: only etcd 3.7 with extensive metrics has both latency histograms.
import { latencySlis, type LatencySource, type Model } from '../../slo/model/model.ts';
import { faultCodes } from '../../slo/promql/fault-codes.ts';
import { alternatives } from '../../slo/promql/selector.ts';
import type { Family, SeriesPlan } from './family.ts';

/** Requests per second of a member, by gRPC method. */
export const requests = { Range: 20, Txn: 8, Put: 1, DeleteRange: 0.2 };

/** The share of requests that fail, spread evenly over the counted codes. */
export const failed = 5e-5;

/** The share that is slower than every threshold, so that each class has the same share of bad requests. */
export const slow = 0.001;

/** Operations per second of a member on its disk, and of an API server on each resource. */
const diskOperations: Record<string, number> = {
  etcd_disk_wal_fsync_duration_seconds: 30,
  etcd_disk_backend_commit_duration_seconds: 10,
};
const operations = { get: 2, list: 0.5, create: 0.2, update: 1, delete: 0.1 };
/** A real API server has about seventy resources. The cost of these series grows with the number. */
const resources = ['configmaps', 'endpointslices', 'events', 'leases', 'nodes', 'pods', 'secrets', 'services'];

const checks = ['alarms', 'backup-age', 'membership', 'large-key-values', 'etcd-node-key-diff'];

type RawFamily = Pick<Family, 'name' | 'per' | 'series'>;

export function rawFamilies(model: Model, members: number): RawFamily[] {
  const grpc = { grpc_service: 'etcdserverpb.KV', grpc_type: 'unary' };
  const methods = Object.entries(requests);
  const codes = faultCodes(model);
  return [
    ofMember('up', [gauge(1)]),
    ofMember('etcd_server_has_leader', [gauge(1)]),
    ofMember('etcd_server_version', [gauge(1, { server_version: '3.7.3' })]),
    ofMember('etcd_server_quota_backend_bytes', [gauge(8e9)]),
    ofMember('etcd_mvcc_db_total_size_in_bytes', [gauge(2e9)]),
    ofMember('etcd_mvcc_db_total_size_in_use_in_bytes', [gauge(1e9)]),
    ofMember('etcd_debugging_mvcc_keys_total', [gauge(5e5)]),
    ofMember('process_open_fds', [gauge(300)]),
    ofMember('process_max_fds', [gauge(65536)]),
    ofMember(
      'grpc_server_started_total',
      methods.map(([grpc_method, rate]) => counter(rate, { ...grpc, grpc_method }))
    ),
    ofMember(
      'grpc_server_handled_total',
      methods.flatMap(([grpc_method, rate]) =>
        codes.map((grpc_code) => counter((rate * failed) / codes.length, { ...grpc, grpc_method, grpc_code }))
      )
    ),
    ...histograms(model),
    ofCluster('etcdfleet_cluster_members', 'operator', [gauge(members)]),
    ofCluster('etcdfleet_cluster_members_seen', 'operator', [gauge(members)]),
    ofCluster('etcdfleet_cluster_quorum_seen', 'operator', [gauge(1)]),
    ofCluster('etcdfleet_inspections_expected', 'operator', [gauge(checks.length)]),
    ofCluster('etcdfleet_probe_success', 'cruiser', [gauge(1)]),
    ofCluster('etcdfleet_probe_timestamp_seconds', 'cruiser', [{ labels: {}, kind: 'time' }]),
    ofCluster(
      'etcd_inspection_fresh',
      'cruiser',
      checks.map((check) => gauge(1, { check }))
    ),
    ofCluster(
      'etcd_inspection_outcome',
      'cruiser',
      checks.map((check) => gauge(1, { check, outcome: 'Passed' }))
    ),
  ];
}

/** Returns all histograms of latency SLIs, with the buckets that rules read. */
function histograms(model: Model): RawFamily[] {
  const sources = latencySlis(model).flatMap((sli) => sli.sources);
  const names = [...new Set(sources.map(({ histogram }) => histogram))];
  return names.flatMap((name) => {
    const counts = sources.filter(({ histogram }) => histogram === name).flatMap(countsOf);
    const family = name === 'etcd_request_duration_seconds' ? ofApiServer : ofMember;
    return [
      family(
        `${name}_count`,
        counts.map(({ series }) => series)
      ),
      family(
        `${name}_bucket`,
        counts.flatMap(({ series, edges }) =>
          edges.map((le) => ({ ...series, without: slow, labels: { ...series.labels, le } }))
        )
      ),
    ];
  });
}

interface Count {
  series: SeriesPlan;
  edges: string[];
}

function countsOf({ histogram, where, thresholds }: LatencySource): Count[] {
  // The format of Prometheus 3.
  const edges = thresholds.map((edge) => (Number.isInteger(edge) ? `${edge}.0` : `${edge}`));
  return labelsOf(histogram, where).map(({ labels, rate }) => ({ series: counter(rate, labels), edges }));
}

function labelsOf(histogram: string, where: string): Array<{ labels: Record<string, string>; rate: number }> {
  const ratesBy = (label: string, of: Record<string, number>) => ratesOf(`${histogram}{${where}}`, label, of);
  switch (histogram) {
    case 'grpc_server_handling_seconds':
      return ratesBy('grpc_method', requests).map(([grpc_method, rate]) => ({
        labels: { grpc_method, grpc_service: 'etcdserverpb.KV', grpc_type: 'unary' },
        rate,
      }));
    case 'etcd_server_request_duration_seconds':
      return ratesBy('type', requests).flatMap(([type, rate]) => [
        { labels: { type, success: 'true' }, rate: rate * (1 - failed) },
        { labels: { type, success: 'false' }, rate: rate * failed },
      ]);
    case 'etcd_request_duration_seconds':
      return ratesBy('operation', operations).flatMap(([operation, rate]) =>
        resources.map((resource) => ({ labels: { operation, resource, group: '' }, rate }))
      );
    default:
      if (!(histogram in diskOperations)) {
        throw new Error(`Define the labels and the rate of ${histogram} in bench/slo/raw-series.ts.`);
      }
      return [{ labels: {}, rate: diskOperations[histogram] }];
  }
}

/** Of these rates the ones that a selector counts, by the values that it wants of a label. */
export const ratesOf = (selector: string, label: string, rates: Record<string, number>) =>
  Object.entries(rates).filter(([value]) => alternatives(selector, label).includes(value));

/** Returns the operations per second that a latency SLI's first source counts in a cluster. */
export function latencyRate(source: LatencySource, members: number): number {
  const perSource = labelsOf(source.histogram, source.where).reduce((sum, { rate }) => sum + rate, 0);
  return source.histogram === 'etcd_request_duration_seconds' ? perSource : perSource * members;
}

const ofMember = (name: string, series: SeriesPlan[]): RawFamily => ({
  name,
  per: 'member',
  series: series.map((one) => ({ ...one, labels: { job: 'etcd', ...one.labels } })),
});

const ofCluster = (name: string, job: string, series: SeriesPlan[]): RawFamily => ({
  name,
  per: 'cluster',
  series: series.map((one) => ({ ...one, labels: { job, ...one.labels } })),
});

const ofApiServer = (name: string, series: SeriesPlan[]): RawFamily => ({
  name,
  per: 'cluster',
  series: series.map((one) => ({ ...one, labels: { job: 'kube-apiserver', instance: 'apiserver-0', ...one.labels } })),
});

const counter = (perSecond: number, labels: Record<string, string> = {}): SeriesPlan => ({
  labels,
  kind: 'counter',
  perSecond,
});

const gauge = (value: number, labels: Record<string, string> = {}): SeriesPlan => ({ labels, kind: 'gauge', value });
