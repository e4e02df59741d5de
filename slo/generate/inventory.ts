// How far the rules see the whole fleet, counted for each region, so that an alert reads one series and not ten thousand.
import { by, countBy, maxBy, on } from './promql.ts';
import type { RecordingRule } from './rules.ts';
import {
  clusterLabels,
  expectedMembers,
  groupLabels,
  inventory,
  scrapedMembers,
  seenMembers,
  target,
} from './series.ts';

export const blindSpots = {
  membersWithoutTarget: 'region:etcd_members_without_target:count',
  clustersWithoutInventory: 'region:etcd_clusters_without_inventory:count',
  clustersWithoutObjective: 'region:etcd_clusters_without_objective:count',
};

/** Members of a cluster's inventory that were never scraped well; only of clusters that have some. */
export const awaitedMembers = 'cluster:etcd_members:awaited';

const wanted = maxBy(clusterLabels, inventory);
const scraped = countBy(clusterLabels, scrapedMembers);
const none = `0 * count ${by(['region'])} (${expectedMembers})`;

export const inventoryRules: RecordingRule[] = [
  { record: awaitedMembers, expr: `${wanted} - ${seenMembers} > 0` },
  {
    record: blindSpots.membersWithoutTarget,
    expr: `sum by (region) (clamp_min(${wanted} - (${scraped} or 0 * ${wanted}), 0))\nor\n${none}`,
  },
  {
    record: blindSpots.clustersWithoutInventory,
    expr: `count by (region) (${scraped} unless ${wanted})\nor\n${none}`,
  },
  {
    record: blindSpots.clustersWithoutObjective,
    expr: `count by (region) (${expectedMembers} unless ${on(groupLabels)} ${target.resolved})\nor\n${none}`,
  },
];
