import { type Lab, regionNamed } from '../lab.ts';
import { scrapeAllBut } from '../services/prometheus.ts';
import { activeFaults, type Fault } from './fault.ts';
import { clusterNamed, clusterTarget } from './targets.ts';

const name = 'stop-scrape';

export const stopScrape: Fault = {
  name,
  targets: '[cluster]',
  summary: "adds a rule to the region's Prometheus that drops the targets of a cluster",
  effect: 'The cluster has no series, and is not called down: the diagnosis says that the collection is broken.',
  outlivesStop: false, // Prometheus starts with the configuration of the lab
  target: clusterTarget,
  holds: () => [],
  inject: (lab, cluster) => leaveOut(lab, cluster, [cluster]),
  heal: (lab, cluster) => leaveOut(lab, cluster, []),
};

/** Leaves out the clusters, and those of the same region that other faults of this name leave out. */
async function leaveOut(lab: Lab, target: string, clusters: string[]): Promise<void> {
  const { region } = clusterNamed(lab, target);
  const others = activeFaults(lab)
    .filter((active) => active.fault === name && active.target !== target)
    .filter((active) => clusterNamed(lab, active.target).region === region);
  await scrapeAllBut(lab, regionNamed(lab, region), [...others.map((other) => other.target), ...clusters]);
}
