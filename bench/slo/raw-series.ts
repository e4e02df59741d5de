// What the members and the API servers of the fleet expose: the series that the rules read, all of them in every cluster.
// That is the dearest case: both latency histograms are there only in etcd 3.7 with extensive metrics.
import { latencySlis, type LatencySource, type Model } from '../../slo/model/model.ts';
import type { Family, SeriesPlan } from './seed.ts';

/** Requests per second of a member, by gRPC method. */
export const requests = { Range: 20, Txn: 8, Put: 1, DeleteRange: 0.2 };

/** The share of requests that fail with each of the codes that count. */
const failing = 1e-5;
export const errorCodes = ['DataLoss', 'DeadlineExceeded', 'Internal', 'ResourceExhausted', 'Unavailable', 'Unknown'];
export const failed = failing * errorCodes.length;

/** The share that is slower than every threshold, so that the same are bad in each class. */
export const slow = 0.001;

/** Operations per second of a member on its disk, and of an API server on each resource. */
const diskOperations: Record<string, number> = {
  etcd_disk_wal_fsync_duration_seconds: 30,
  etcd_disk_backend_commit_duration_seconds: 10,
};
const operations = { get: 2, list: 0.5, create: 0.2, update: 1, delete: 0.1 };
/** An API server has some seventy resources: what these cost grows with them. */
const resources = ['configmaps', 'endpointslices', 'events', 'leases', 'nodes', 'pods', 'secrets', 'services'];

const checks = ['etcd-alarms', 'etcd-backup', 'etcd-defrag', 'etcd-large-key', 'etcd-node-key-diff'];

type RawFamily = Pick<Family, 'name' | 'per' | 'series'>;

export function rawFamilies(model: Model, members: number): RawFamily[] {
  const grpc = { grpc_service: 'etcdserverpb.KV', grpc_type: 'unary' };
  const methods = Object.entries(requests);
  return [
    ofMember('up', [gauge(1)]),
    ofMember('etcd_server_has_leader', [gauge(1)]),
    ofMember(
      'grpc_server_started_total',
      methods.map(([grpc_method, rate]) => counter(rate, { ...grpc, grpc_method }))
    ),
    ofMember(
      'grpc_server_handled_total',
      methods.flatMap(([grpc_method, rate]) =>
        errorCodes.map((grpc_code) => counter(rate * failing, { ...grpc, grpc_method, grpc_code }))
      )
    ),
    ...histograms(model),
    {
      name: 'etcdfleet_cluster_members',
      per: 'cluster',
      series: [gauge(members, { job: 'operator' })],
    },
    {
      name: 'etcd_inspection_outcome',
      per: 'cluster',
      series: checks.map((check) => gauge(1, { job: 'cruiser', check, outcome: 'Passed' })),
    },
  ];
}

/** Every histogram of a latency SLI, with the buckets that rules read. */
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
  // As Prometheus 3 writes them.
  const edges = thresholds.map((edge) => (Number.isInteger(edge) ? `${edge}.0` : `${edge}`));
  return labelsOf(histogram, where).map(({ labels, rate }) => ({ series: counter(rate, labels), edges }));
}

function labelsOf(histogram: string, where: string): Array<{ labels: Record<string, string>; rate: number }> {
  const rates = Object.entries(requests).filter(([method]) => where.includes(`"${method}"`));
  switch (histogram) {
    case 'grpc_server_handling_seconds':
      return rates.map(([grpc_method, rate]) => ({
        labels: { grpc_method, grpc_service: 'etcdserverpb.KV', grpc_type: 'unary' },
        rate,
      }));
    case 'etcd_server_request_duration_seconds':
      return rates.flatMap(([type, rate]) => [
        { labels: { type, success: 'true' }, rate: rate * (1 - failed) },
        { labels: { type, success: 'false' }, rate: rate * failed },
      ]);
    case 'etcd_request_duration_seconds':
      return Object.entries(operations)
        .filter(([operation]) => new RegExp(`["|]${operation}["|]`).test(where))
        .flatMap(([operation, rate]) =>
          resources.map((resource) => ({ labels: { operation, resource, group: '' }, rate }))
        );
    default:
      if (!(histogram in diskOperations)) {
        throw new Error(`Say in bench/slo/raw-series.ts what labels and rate ${histogram} has.`);
      }
      return [{ labels: {}, rate: diskOperations[histogram] }];
  }
}

/** Operations per second that a latency SLI's first source counts in a cluster. */
export function latencyRate(source: LatencySource, members: number): number {
  const perSource = labelsOf(source.histogram, source.where).reduce((sum, { rate }) => sum + rate, 0);
  return source.histogram === 'etcd_request_duration_seconds' ? perSource : perSource * members;
}

const ofMember = (name: string, series: SeriesPlan[]): RawFamily => ({
  name,
  per: 'member',
  series: series.map((one) => ({ ...one, labels: { job: 'etcd', ...one.labels } })),
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
