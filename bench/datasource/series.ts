// The series that the measured queries read. All clusters have what queries of the whole fleet read; those of the faulty
// region have all series of their members and API servers that dashboards of a cluster and diagnoses read.
import { promisesTo, type Model } from '../../slo/model/model.ts';
import { formatDuration } from '../../slo/model/duration.ts';
import {
  burnRate,
  events,
  expectedMembers,
  groupLabels,
  history,
  remainingBudget,
  target,
} from '../../slo/generate/series.ts';
import type { Change, Family, SeriesPlan } from '../slo/family.ts';
import { requests } from '../slo/raw-series.ts';
import { eventFamilies } from '../slo/recorded-series.ts';
import { faultyRegion, members, type Cluster, type Fault, type Fleet } from './fleet.ts';

const second = 1000;
const minute = 60 * second;

/** The intervals of scrapes and of the rules, as in deploy/prometheus and rules/recording/region.yaml. */
const scrape = 15 * second;
const everyMinute = minute;
const every4Minutes = 4 * minute;

export interface Times {
  /** The first sample, the beginning of the faults, and the end, in milliseconds. */
  from: number;
  fault: number;
  to: number;
}

type Described = Pick<Family, 'name' | 'per' | 'series'> & Pick<Partial<Family>, 'changes' | 'only'>;

export function datasourceFamilies(fleet: Fleet, model: Model, { from, fault, to }: Times): Family[] {
  const faulty = fleet.clusters.flatMap((cluster, index) => (cluster.fault ? [{ cluster, index }] : []));
  const changes = (of: (kind: Fault, cluster: Cluster) => Array<Omit<Change, 'cluster' | 'from'>>): Change[] =>
    faulty.flatMap(({ cluster, index }) =>
      of(cluster.fault!, cluster).map((change) => ({ cluster: index, from: fault, ...change }))
    );
  const at = (step: number, described: Described[]): Family[] => described.map((one) => ({ ...one, step, from, to }));
  const inRegion = (described: Described[]) => described.map((one) => ({ ...one, only: { region: faultyRegion } }));

  return [
    ...at(scrape, [
      ...scrapedOfAll(changes),
      ...inventory(fleet),
      ...inspections(fleet),
      ...alerts(fleet, fault),
      ...inRegion(membersOfRegion(changes)),
      ...inRegion(apiServersOfRegion()),
    ]),
    ...at(everyMinute, [
      gaugeOfCluster(
        'cluster:etcd_probe:success',
        1,
        changes((kind) => (kind === 'quorum-lost' ? [to0({})] : []))
      ),
      gaugeOfCluster(expectedMembers, members.length),
      ...['5m', '1h'].flatMap((window) => [burnRates(window, changes), ...eventSums(fleet, model, window)]),
      budgets(model, changes),
      ...targets(fleet, model),
    ]),
    ...at(every4Minutes, [
      ...['30m', '6h'].map((window) => burnRates(window, changes)),
      ...eventSums(fleet, model, formatDuration(model.window)),
      {
        name: history(formatDuration(model.window)),
        per: 'cluster',
        series: model.slis.map(({ name, objective }) => gauge(1, { objective, sli: name })),
      },
      ...coverage(fleet),
    ]),
  ];
}

type Changes = (of: (kind: Fault, cluster: Cluster) => Array<Omit<Change, 'cluster' | 'from'>>) => Change[];

const downMembers: Record<Fault, string[]> = { 'quorum-lost': ['m1', 'm2'], 'member-down': ['m2'], 'slow-disk': [] };

/** The series of a member that cannot be scraped end. */
const goneWith = (kind: Fault) => downMembers[kind].map((member) => ({ labels: { member } }));

const to0 = (labels: Record<string, string>) => ({ labels, to: { kind: 'gauge', value: 0 } as const });

/** What the clusters' health follows from. */
function scrapedOfAll(changes: Changes): Described[] {
  const gone = changes(goneWith);
  return [
    ofMember(
      'up',
      [gauge(1)],
      changes((kind) => downMembers[kind].map((member) => to0({ member })))
    ),
    ofMember(
      'etcd_server_has_leader',
      [gauge(1)],
      [...gone, ...changes((kind) => (kind === 'quorum-lost' ? [to0({ member: 'm0' })] : []))]
    ),
    {
      name: 'etcd_server_is_leader',
      per: 'cluster',
      series: members.map((member, index) => gauge(index === 0 ? 1 : 0, { job: 'etcd', member })),
      changes: [...gone, ...changes((kind) => (kind === 'quorum-lost' ? [to0({ member: 'm0' })] : []))],
    },
    ofMember('etcd_debugging_mvcc_keys_total', [gauge(5e5)], gone),
    ofMember('etcd_mvcc_db_total_size_in_bytes', [gauge(2e9)], gone),
  ];
}

/** The operator's series. */
function inventory({ clusters }: Fleet): Described[] {
  return [
    gaugeOfCluster('etcdfleet_cluster_kubernetes_clusters', 1),
    {
      name: 'etcdfleet_member_info',
      per: 'series',
      series: clusters.flatMap((cluster) =>
        cluster.members.map(({ name, host, zone }) => gauge(1, { ...cluster.labels, member: name, host, zone }))
      ),
    },
  ];
}

/** cruiser's series, of the checks of the class with most checks. */
function inspections({ checks }: Fleet): Described[] {
  const names = checksOf(checks);
  const labels = { job: 'cruiser' };
  return [
    {
      name: 'etcd_inspection_outcome',
      per: 'cluster',
      series: names.map((check) => gauge(1, { ...labels, check, outcome: 'Passed' })),
    },
    { name: 'etcd_inspection_fresh', per: 'cluster', series: names.map((check) => gauge(1, { ...labels, check })) },
    gaugeOfCluster('etcd_inspection_nospace_alarms', 0),
  ];
}

const checksOf = (checks: Fleet['checks']) => [
  ...new Set(Object.values(checks).flatMap((of) => of.map(({ name }) => name))),
];

function alerts({ clusters }: Fleet, fault: number): Described[] {
  const firing = clusters
    .filter((cluster) => cluster.fault)
    .map(({ labels, fault }) => ({
      ...labels,
      alertname: 'EtcdErrorBudgetBurn',
      objective: burning[fault!].objective,
      severity: 'critical',
      urgency: 'page',
    }));
  return [
    { name: 'ALERTS', per: 'series', series: firing.map((labels) => gauge(1, { ...labels, alertstate: 'firing' })) },
    { name: 'ALERTS_FOR_STATE', per: 'series', series: firing.map((labels) => gauge(fault / 1000, labels)) },
  ];
}

/** What the members of the faulty region expose besides, as far as a dashboard or a diagnosis reads it. */
function membersOfRegion(changes: Changes): Described[] {
  const gone = changes(goneWith);
  const member = (name: string, series: SeriesPlan[]) => ofMember(name, series, gone);
  const grpc = { grpc_service: 'etcdserverpb.KV', grpc_type: 'unary' };
  const methods = Object.entries(requests);
  const toPeers = (
    of: (peer: string) => Record<string, string>,
    plan: (labels: Record<string, string>) => SeriesPlan[]
  ) =>
    members.flatMap((name) =>
      members.filter((peer) => peer !== name).flatMap((peer) => plan({ job: 'etcd', member: name, ...of(peer) }))
    );
  const lostPeers = (label: string, to: Change['to']) =>
    changes((kind) => downMembers[kind].map((peer) => ({ labels: { [label]: peer }, to })));
  const slow = (edges: number[]) =>
    changes((kind, cluster) =>
      kind === 'slow-disk'
        ? buckets(edges, slowSync, 30, {}).map(({ labels, ...to }) => ({
            labels: { ...labels, member: slowMember(cluster) },
            to,
          }))
        : []
    );
  return [
    member('etcd_server_version', [gauge(1, { server_version: '3.6.5' })]),
    member('etcd_server_quota_backend_bytes', [gauge(8e9)]),
    member('etcd_mvcc_db_total_size_in_use_in_bytes', [gauge(1e9)]),
    member('etcd_server_leader_changes_seen_total', [gauge(2)]),
    member('etcd_server_proposals_failed_total', [gauge(0)]),
    member('etcd_server_proposals_pending', [gauge(0)]),
    member('etcd_disk_defrag_inflight', [gauge(0)]),
    member('process_resident_memory_bytes', [gauge(5e8, {}, 0.1)]),
    member('process_cpu_seconds_total', [counter(0.2)]),
    member('go_sched_gomaxprocs_threads', [gauge(4)]),
    member('go_memstats_last_gc_time_seconds', [{ labels: {}, kind: 'time' }]),
    member('etcd_network_client_grpc_sent_bytes_total', [counter(200_000)]),
    member(
      'grpc_server_started_total',
      methods.map(([grpc_method, rate]) => counter(rate, { ...grpc, grpc_method }))
    ),
    member(
      'grpc_server_handled_total',
      methods.flatMap(([grpc_method, rate]) =>
        ['OK', 'Unavailable', 'DeadlineExceeded'].map((grpc_code) =>
          counter(grpc_code === 'OK' ? rate : rate / 10_000, { ...grpc, grpc_method, grpc_code })
        )
      )
    ),
    member(
      'grpc_server_handling_seconds_bucket',
      methods.flatMap(([grpc_method, rate]) => buckets(requestEdges, 0.003, rate, { ...grpc, grpc_method }))
    ),
    {
      ...member('etcd_disk_wal_fsync_duration_seconds_bucket', buckets(diskEdges, 0.0015, 30, {})),
      changes: [...slow(diskEdges), ...gone],
    },
    member('etcd_disk_backend_commit_duration_seconds_bucket', buckets(diskEdges, 0.004, 10, {})),
    {
      name: 'etcd_network_peer_round_trip_time_seconds_bucket',
      per: 'cluster',
      series: toPeers(
        (To) => ({ To }),
        (labels) => buckets(peerEdges, 0.0005, 4, labels)
      ),
      changes: gone,
    },
    {
      name: 'etcd_network_active_peers',
      per: 'cluster',
      series: toPeers(
        (Remote) => ({ Local: 'local', Remote }),
        (labels) => [gauge(1, labels)]
      ),
      changes: [...gone, ...lostPeers('Remote', { kind: 'gauge', value: 0 })],
    },
    {
      name: 'etcd_network_peer_received_bytes_total',
      per: 'cluster',
      series: toPeers(
        (From) => ({ From }),
        (labels) => [counter(20_000, labels)]
      ),
      changes: [...gone, ...lostPeers('From', { kind: 'counter', perSecond: 0 })],
    },
  ];
}

/** The member of a cluster that is on the slow host, which lies in the second zone. */
const slowMember = (cluster: Cluster) => cluster.members[1].name;

/** The clients' side: an API server for each cluster, with eight resources. */
function apiServersOfRegion(): Described[] {
  const job = { job: 'kube-apiserver', instance: 'apiserver-0' };
  const operations = { get: 2, list: 0.5, create: 0.2, update: 1, delete: 0.1 };
  const resources = ['configmaps', 'endpointslices', 'events', 'leases', 'nodes', 'pods', 'secrets', 'services'];
  const etcd = (plan: (rate: number, labels: Record<string, string>) => SeriesPlan) =>
    Object.entries(operations).flatMap(([operation, rate]) =>
      resources.map((resource) => plan(rate, { ...job, operation, resource, kubernetes_cluster: 'cls-0' }))
    );
  const verbs = ['GET', 'LIST', 'POST', 'PUT', 'PATCH', 'DELETE'];
  const api = (plan: (labels: Record<string, string>) => SeriesPlan) =>
    verbs.map((verb) => plan({ ...job, verb, kubernetes_cluster: 'cls-0' }));
  const ofCluster = (name: string, series: SeriesPlan[]): Described => ({ name, per: 'cluster', series });
  return [
    ofCluster(
      'etcd_request_duration_seconds_count',
      etcd((rate, labels) => counter(rate, labels))
    ),
    ofCluster(
      'etcd_request_duration_seconds_sum',
      etcd((rate, labels) => counter(rate / 20, labels))
    ),
    ofCluster(
      'etcd_request_duration_seconds_bucket',
      etcd((rate, labels) => ({ ...counter(rate, { ...labels, le: '0.1' }), without: 0.001 }))
    ),
    ofCluster(
      'apiserver_request_duration_seconds_count',
      api((labels) => counter(5, labels))
    ),
    ofCluster(
      'apiserver_request_duration_seconds_sum',
      api((labels) => counter(0.5, labels))
    ),
    ofCluster(
      'apiserver_request_total',
      api((labels) => counter(5, { ...labels, code: '200' }))
    ),
  ];
}

/** The objective that each fault burns, and how fast. */
const burning: Record<Fault, { objective: string; rate: number }> = {
  'quorum-lost': { objective: 'etcd-availability', rate: 500 },
  'member-down': { objective: 'data-quality', rate: 66 },
  'slow-disk': { objective: 'write-availability', rate: 40 },
};

/** The worst SLI of each objective. Of a healthy cluster some requests are slow, and nothing else is bad. */
const worstSlis: Record<string, { sli: string; rate: number }> = {
  'etcd-availability': { sli: 'leader', rate: 0 },
  'read-availability': { sli: 'read-latency', rate: 0.4 },
  'write-availability': { sli: 'wal-fsync', rate: 0.5 },
  'data-quality': { sli: 'scrapes', rate: 0 },
};

function burnRates(window: string, changes: Changes): Described {
  return {
    name: burnRate(window),
    per: 'cluster',
    series: Object.entries(worstSlis).map(([objective, { sli, rate }]) => gauge(rate, { objective, sli }, 0.5)),
    changes: changes((kind) => {
      const { objective, rate } = burning[kind];
      return [{ labels: { objective }, to: { kind: 'gauge', value: rate, spread: 0.1 } }];
    }),
  };
}

function budgets(model: Model, changes: Changes): Described {
  return {
    name: remainingBudget(formatDuration(model.window)),
    per: 'cluster',
    series: model.objectives.map(({ name }) => gauge(0.8, { objective: name }, 0.1)),
    changes: changes((kind) => [
      { labels: { objective: burning[kind].objective }, to: { kind: 'gauge', value: -0.5, spread: 0.1 } },
    ]),
  };
}

/** Sums of events over a window. Over the budget's window they exist of groups alone, whose budget is computed from them. */
function eventSums({ clusters }: Fleet, model: Model, window: string): Described[] {
  const steps = secondsOf(window) / 60;
  const ofBudget = window === formatDuration(model.window);
  const fleet = { clusters: clusters.map(({ labels }) => labels), members, sampled: 0 };
  const families = eventFamilies(fleet, model, window).map((family) => ({
    ...family,
    series: family.series.map((one) => ({ ...one, perSecond: one.perSecond! * steps })),
  }));
  if (!ofBudget) {
    return families;
  }
  return families
    .filter(({ name }) => name !== events('cluster', window))
    .map((family) => ({
      ...family,
      series: family.series.flatMap((one) =>
        one.labels.events === 'budget' ? [one, { ...one, labels: { ...one.labels, events: 'allowance' } }] : [one]
      ),
    }));
}

function secondsOf(window: string): number {
  const [, number, unit] = /^(\d+)([mhd])$/.exec(window)!;
  return Number(number) * { m: 60, h: 3600, d: 86_400 }[unit]!;
}

/** One label set for each group of clusters to which the same is promised. */
function groupsOf({ clusters }: Fleet): Cluster[] {
  const groups = new Map(
    clusters.map((cluster) => [groupLabels.map((label) => cluster.labels[label]).join('/'), cluster])
  );
  return [...groups.values()];
}

const groupOf = ({ labels }: Cluster) => Object.fromEntries(groupLabels.map((label) => [label, labels[label]]));

function targets(fleet: Fleet, model: Model): Described[] {
  const series = groupsOf(fleet).flatMap((cluster) =>
    Object.entries(promisesTo(cluster.labels as never, model).targets).map(([objective, value]) =>
      gauge(value, { ...groupOf(cluster), objective })
    )
  );
  return [{ name: target.resolved, per: 'series', series }];
}

function coverage(fleet: Fleet): Described[] {
  const names = checksOf(fleet.checks);
  const groups = groupsOf(fleet).map(groupOf);
  const perGroup = fleet.clusters.length / groups.length;
  return [
    {
      name: 'spec:etcd_inspection_fresh:sum',
      per: 'series',
      series: groups.flatMap((group) => names.map((check) => gauge(perGroup, { ...group, check }))),
    },
    {
      name: 'spec:etcd_inspection_expected:sum',
      per: 'series',
      series: groups.map((group) => gauge(perGroup * names.length, group)),
    },
  ];
}

/** Bucket edges of etcd's histograms, in seconds. */
const powersOf2 = (first: number, count: number) => Array.from({ length: count }, (_, index) => first * 2 ** index);
const diskEdges = powersOf2(0.001, 14);
const peerEdges = powersOf2(0.0001, 15);
const requestEdges = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** The mean sync on a slow disk, in seconds: its p99 is about half a second. */
const slowSync = 0.1;

/** Buckets of exponentially distributed times. */
function buckets(edges: number[], mean: number, perSecond: number, labels: Record<string, string>): SeriesPlan[] {
  return [...edges, Infinity].map((edge) => ({
    ...counter(perSecond, { ...labels, le: leOf(edge) }),
    without: edge === Infinity ? 0 : Math.exp(-edge / mean),
  }));
}

/** As Prometheus 3 writes it. */
const leOf = (edge: number) => (edge === Infinity ? '+Inf' : Number.isInteger(edge) ? `${edge}.0` : `${edge}`);

const ofMember = (name: string, series: SeriesPlan[], changes: Change[]): Described => ({
  name,
  per: 'member',
  series: series.map((one) => ({ ...one, labels: { job: 'etcd', ...one.labels } })),
  changes,
});

const gaugeOfCluster = (name: string, value: number, changes: Change[] = []): Described => ({
  name,
  per: 'cluster',
  series: [gauge(value)],
  changes,
});

const counter = (perSecond: number, labels: Record<string, string> = {}): SeriesPlan => ({
  labels,
  kind: 'counter',
  perSecond,
});

const gauge = (value: number, labels: Record<string, string> = {}, spread = 0): SeriesPlan => ({
  labels,
  kind: 'gauge',
  value,
  spread,
});
