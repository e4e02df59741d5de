// The names and labels of what is recorded: `level:metric:operation`. docs/slo.md lists them for readers of the data.

/** The labels of a cluster, from the widest to the narrowest. */
export const clusterLabels = ['region', 'product', 'scene', 'spec', 'cluster'] as const;

/** The labels of a group of clusters to which the same promises are made: a class in a scene of a product of a region. */
export const groupLabels = clusterLabels.slice(0, 4);

/** The levels that a region's Prometheus records, each with the labels that it keeps; each is the sum of the one before. */
export const rollUps = [
  { level: 'spec', labels: groupLabels },
  { level: 'scene', labels: clusterLabels.slice(0, 3) },
  { level: 'product', labels: clusterLabels.slice(0, 2) },
  { level: 'region', labels: clusterLabels.slice(0, 1) },
];

/** Every level that a region's Prometheus records. */
export const levels = ['cluster', ...rollUps.map(({ level }) => level)];

/**
 * The labels that tell events of a level apart. `events` is bad, all, or on roll-ups budget: as many bad events as the
 * targets allow. Over the window of the error budget it is also allowance: as many as they allow in a whole window.
 */
export const eventLabels = ['objective', 'sli', 'events'];

/** Events of one step; with a window such as `5m` the sum over it. */
export const events = (level: string, window = '') => `${level}:etcd_sli_events:increase${window}`;

/** How many times too fast the error budget burns: the worst SLI of the objective. */
export const burnRate = (window: string) => `cluster:etcd_slo_burn_rate:ratio${window}`;

/** Steps in which an SLI of a cluster was counted, in a tile or in several. */
export const countedSteps = (tiles: string) => `cluster:etcd_sli_steps:count${tiles}`;

/** When the last step ended that is in a tile, for each SLI: a Unix time. */
export const lastTiledStep = 'etcd_slo_tile:last_step';

/** When tiles were summed: a Unix time. */
export const tileEvaluation = 'etcd_slo_tile:evaluation_time';

/** When tiles were first summed, as far as a Prometheus remembers: a Unix time. */
export const firstTile = 'etcd_slo_tile:first_time';

/** The share of the error budget's window for which there is history, for each SLI of a cluster. */
export const history = (window: string) => `cluster:etcd_slo_history:ratio${window}`;

/** The share of the error budget that is left: 1 all of it, negative when it is overspent. */
export const remainingBudget = (window: string) => `cluster:etcd_slo_error_budget:remaining${window}`;

/** Members that a cluster should have. */
export const expectedMembers = 'cluster:etcd_members:expected';

/** Members of a cluster that were scraped well at least once: from then on their samples are missed. */
export const seenMembers = 'cluster:etcd_members:seen';

/** Clusters of a group. */
export const clusterCount = 'spec:etcd_clusters:count';

/** The targets of classes and overrides, and what follows from them for each group of clusters. */
export const target = {
  ofClass: 'etcd_slo_target:ratio',
  override: 'etcd_slo_target:override',
  key: 'spec:etcd_slo_objective:clusters',
  resolved: 'spec:etcd_slo_target:ratio',
};

/** The same for thresholds; `edge` carries them as the label le, to be joined with buckets. */
export const threshold = {
  ofClass: 'etcd_slo_threshold:seconds',
  override: 'etcd_slo_threshold:override',
  key: 'spec:etcd_slo_latency:clusters',
  resolved: 'spec:etcd_slo_threshold:seconds',
  edge: 'spec:etcd_slo_threshold:edge',
};

/** The severity of a class's alerts, as a label, by urgency. */
export const severity = 'etcd_slo_severity:info';

/** What the operator exports for each EtcdCluster: its spec.size, else the number of its members. */
export const inventory = 'etcdfleet_cluster_members';

/** What the operator remembers of each EtcdCluster: members that were scraped well once, and whether a quorum was seen, 1 or 0. */
export const onboarded = { members: 'etcdfleet_cluster_members_seen', quorum: 'etcdfleet_cluster_quorum_seen' };

/** Since when, for each member that has never been scraped well. */
export const awaitedMember = 'etcdfleet_member_awaited_since_seconds';

/** One series for each member that is scraped. */
export const scrapedMembers = 'up{job="etcd"}';
