// Kubernetes API servers and their requests to etcd as PromQL. The API servers' targets carry the labels of the etcd cluster
// and kubernetes_cluster; the histogram of etcd's times has few edges, so that times are means and shares, not quantiles.

import { timeseries } from './panels.ts';
import { range } from './queries.ts';

const rate = (metric: string, where: string) => `rate(${metric}{${where}}[$__rate_interval])`;

/** Requests that end by themselves: watches and connections are as long as their client wants. */
const requests = 'verb!~"WATCH|CONNECT|PROXY"';

/** Requests of clients to API servers, per second. */
export const apiRequests = (by: string, where: string) =>
  `sum by (${by}) (${rate('apiserver_request_duration_seconds_count', `${requests},${where}`)})`;

/** Mean time of these in seconds. */
export const apiTime = (by: string, where: string) =>
  `sum by (${by}) (${rate('apiserver_request_duration_seconds_sum', `${requests},${where}`)}) / (${apiRequests(by, where)} > 0)`;

/** Share of these that failed by the service's fault. */
export function apiErrors(by: string, where: string): string {
  const all = `sum by (${by}) (${rate('apiserver_request_total', `${requests},${where}`)})`;
  const bad = `sum by (${by}) (${rate('apiserver_request_total', `code=~"5..",${requests},${where}`)})`;
  return `(${bad} or ${all} * 0) / (${all} > 0)`;
}

/** Requests of API servers to etcd, per second. */
export const etcdRequests = (by: string, where: string) =>
  `sum by (${by}) (${rate('etcd_request_duration_seconds_count', where)})`;

/** Mean time of these in seconds. */
export const etcdTime = (by: string, where: string) =>
  `sum by (${by}) (${rate('etcd_request_duration_seconds_sum', where)}) / (${etcdRequests(by, where)} > 0)`;

/** The time that must be exceeded to count as slow: an edge that the histogram has in every version. */
export const slowFrom = '0.1 s';

/** Share of these that take longer than 0.1 s. */
export const etcdSlow = (by: string, where: string) =>
  `1 - sum by (${by}) (${rate('etcd_request_duration_seconds_bucket', `le="0.1",${where}`)}) / (${etcdRequests(by, where)} > 0)`;

/** Failed requests of API servers to etcd, per second. */
export const etcdErrors = (by: string, where: string) =>
  `sum by (${by}) (${rate('etcd_request_errors_total', where)}) or 0 * ${etcdRequests(by, where)}`;

export const slowRequests = (where: string) =>
  timeseries('Slow requests to etcd', `Share slower than ${slowFrom}, by operation.`, 'percentunit')
    .min(0)
    .axisSoftMax(0.01)
    .withTarget(range(etcdSlow('operation', where), '{{operation}}'));

export const timeByVerb = (where: string) =>
  timeseries('Mean time by verb', 'API requests by verb; watches and connections do not count.', 's')
    .min(0)
    .withTarget(range(apiTime('verb', where), '{{verb}}'));
