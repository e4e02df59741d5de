// The SLIs in the format of a generator for single clusters: two selectors, with the cluster's threshold.
import { promisesTo, thresholdOf, type Model, type Sli } from '../../slo/model/model.ts';
import { faultCodes } from '../../slo/promql/fault-codes.ts';
import type { ClusterLabels } from './fleet.ts';

export interface PlainSli {
  name: string;
  objective: string;
  /** In percent. */
  target: number;
  indicator:
    | { kind: 'ratio'; bad: string; all: string }
    | { kind: 'latency'; good: string; all: string }
    /** A gauge that is 1 while the state is good. */
    | { kind: 'gauge'; good: string };
}

const leader = 'etcd_server_has_leader';

/**
 * The gauges replace the states that our rules count per step, in the cheapest form: a quorum is the mean of the
 * members' leaders, an inspection is good while it passes.
 */
const gauges: Record<string, string> = {
  leader,
  quorum: leader,
  inspections: 'etcd_inspection_outcome{outcome="Passed"}',
  scrapes: 'up{job="etcd"}',
};

export function plainSlis(cluster: ClusterLabels, model: Model): PlainSli[] {
  const promises = promisesTo(cluster as never, model);
  const here = (selector: string) =>
    selector.includes('{')
      ? selector.replace('{', `{cluster="${cluster.cluster}",`)
      : `${selector}{cluster="${cluster.cluster}"}`;
  return model.slis.map((sli) => ({
    name: sli.name,
    objective: sli.objective,
    target: Number((promises.targets[sli.objective] * 100).toPrecision(12)),
    indicator: indicatorOf(sli, promises.thresholds[sli.name], faultCodes(model), here),
  }));
}

function indicatorOf(
  sli: Sli,
  threshold: number,
  faults: string[],
  here: (selector: string) => string
): PlainSli['indicator'] {
  switch (sli.kind) {
    case 'ratio':
      return { kind: 'ratio', bad: here(sli.bad), all: here(sli.all) };
    case 'sum': {
      const methods = 'grpc_method=~"Range|Put|Txn|DeleteRange"';
      return {
        kind: 'ratio',
        bad: here(`grpc_server_handled_total{${methods},grpc_code=~"${faults.join('|')}"}`),
        all: here(`grpc_server_started_total{${methods}}`),
      };
    }
    case 'latency': {
      const [source] = sli.sources; // only the first: such a generator needs another SLO for each further source
      const edge = thresholdOf(source, threshold)!;
      const le = `le="${Number.isInteger(edge) ? `${edge}.0` : edge}"`;
      return {
        kind: 'latency',
        good: here(`${source.histogram}_bucket{${[source.where, le].filter(Boolean).join(',')}}`),
        all: here(`${source.histogram}_count{${source.where}}`),
      };
    }
    case 'state':
    case 'scrapes':
      return { kind: 'gauge', good: here(gauges[sli.name]) };
  }
}
