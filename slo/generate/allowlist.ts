// What Prometheus needs to keep of what etcd and Kubernetes expose: a member has up to 2,000 series, and rules,
// dashboards and diagnoses read about a tenth of them.
import { latencySlis, type Model } from '../model/model.ts';
import { metricNames } from '../promql/metric-names.ts';
import { spellings } from './events.ts';
import type { RuleFile } from './rules.ts';

/** A part of a scrape configuration. */
export interface RelabelConfig {
  source_labels: string[];
  separator?: string;
  regex: string;
  action: 'keep';
}

/** By the name of a scrape job. */
export type Allowlist = Record<string, { metric_relabel_configs: RelabelConfig[] }>;

const etcdMetric = /^(etcd_(?!inspection_|request_)|grpc_server_|process_|go_)[^:]*$/;
const grpcMetric = /^grpc_server_/;
const apiServerMetric = /^(etcd|apiserver)_request_/;

/** The metrics that the rules and these expressions read, as relabelling of each job that exposes some. */
export function allowlist(model: Model, ruleFiles: RuleFile[], readExprs: string[]): Allowlist {
  const rules = ruleFiles.flatMap(({ groups }) => groups.flatMap((group) => group.rules));
  const read = new Set([...rules.map(({ expr }) => expr), ...readExprs].flatMap(metricNames));
  const names = [...read].sort();
  const etcd = names.filter((name) => etcdMetric.test(name));
  return {
    etcd: {
      metric_relabel_configs: [
        keep(
          ['__name__', 'grpc_service'],
          // Of gRPC's methods only those of the key-value service: the others are most of the series, and unread.
          etcd.map((name) => (grpcMetric.test(name) ? `${name};etcdserverpb[.]KV` : `${name};`))
        ),
      ],
    },
    'kube-apiserver': {
      metric_relabel_configs: [
        keep(
          ['__name__', 'le'],
          apiServer(
            model,
            names.filter((name) => apiServerMetric.test(name))
          )
        ),
      ],
    },
  };
}

/** Buckets only at the thresholds that a class may choose: an API server has hundreds of each edge. */
function apiServer(model: Model, names: string[]): string[] {
  const edges = (bucket: string) =>
    latencySlis(model)
      .flatMap(({ sources }) => sources)
      .filter(({ histogram }) => bucket === `${histogram}_bucket`)
      .flatMap(({ thresholds }) => thresholds.flatMap(spellings));
  return names.map((name) => {
    const wanted = [...new Set(edges(name))];
    return wanted.length ? `${name};(?:${wanted.map((edge) => edge.replaceAll('.', '[.]')).join('|')})` : `${name};`;
  });
}

function keep(labels: string[], alternatives: string[]): RelabelConfig {
  return { source_labels: labels, regex: alternatives.join('|'), action: 'keep' };
}
