// The SLIs as PromQL on raw etcd metrics, each a ratio of good or bad to all, or a quantile for a first look.
// `by` are the labels that stay; `where` are label matchers such as `region=~"$region"`.
import { loadDefinitions } from '../../slo/model/definitions.ts';
import { faultCodes } from '../../slo/promql/fault-codes.ts';

/** Share of unary requests that failed by the service's fault. Source: grpc_server_handled_total. */
export function requestErrorRatio(by: string, where: string): string {
  const faults = faultCodes(loadDefinitions().model).join('|');
  const all = `grpc_server_handled_total{grpc_type="unary",${where}}`;
  const bad = `grpc_server_handled_total{grpc_type="unary",grpc_code=~"${faults}",${where}}`;
  // A cluster without one error has no series of a fault's code in some versions: the ratio must then be 0, not empty.
  return `(sum by (${by}) (rate(${bad}[$__rate_interval])) or sum by (${by}) (rate(${all}[$__rate_interval])) * 0) / sum by (${by}) (rate(${all}[$__rate_interval]))`;
}

/** The q-quantile of a histogram, in its unit. */
export function quantile(q: number, metric: string, by: string, where: string): string {
  return `histogram_quantile(${q}, sum by (le, ${by}) (rate(${metric}_bucket{${where}}[$__rate_interval])))`;
}

export const walFsync = 'etcd_disk_wal_fsync_duration_seconds';
export const backendCommit = 'etcd_disk_backend_commit_duration_seconds';
export const peerRoundTrip = 'etcd_network_peer_round_trip_time_seconds';
export const requestLatency = 'grpc_server_handling_seconds';
