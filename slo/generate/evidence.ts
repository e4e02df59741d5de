// What is known at the moment of counting: how many members see a leader, how many could not be asked, and what cruiser's
// own read of the cluster said. A member that is merely not scraped is unknown: it counts neither as well nor as lost.
import { countBy, maxBy, sumBy } from './promql.ts';
import type { RecordingRule } from './rules.ts';
import { clusterLabels, scrapedMembers } from './series.ts';

/** What cruiser exposes for each cluster that it could judge: whether a linearizable read succeeded, and when. */
const probe = { success: 'etcdfleet_probe_success', timestamp: 'etcdfleet_probe_timestamp_seconds' };

/** Cruiser reads every 15 s and a dead cluster takes its time-out: one scrape of cruiser may be missing, not two. */
const freshFor = 60;

/**
 * The expressions by the names under which they are recorded; `select` may narrow what they read. Where two replicas of
 * cruiser have a verdict, during a hand-over, the later one counts: the time is compared first, the verdict is its last bit.
 */
export const evidence = (select = (selector: string) => selector): Record<string, string> => ({
  'cluster:etcd_members:with_leader': sumBy(clusterLabels, select('etcd_server_has_leader')),
  'cluster:etcd_members:unscraped': countBy(clusterLabels, `${select(scrapedMembers)} == 0`),
  'cluster:etcd_probe:success': `(${maxBy(clusterLabels, `2 * floor(${select(probe.timestamp)}) + ${select(probe.success)}`)} >= 2 * (time() - ${freshFor})) % 2`,
});

export const evidenceRules: RecordingRule[] = Object.entries(evidence()).map(([record, expr]) => ({ record, expr }));
