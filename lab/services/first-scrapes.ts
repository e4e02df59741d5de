import { setTimeout as sleep } from 'node:timers/promises';

import { instantQuery } from '../instant-query.ts';
import type { Lab } from '../lab.ts';
import { allClusters } from '../plan.ts';
import type { Task } from '../supervisor/service.ts';
import { prometheusName } from './prometheus.ts';
import { sidecarName, thanosQueryName } from './thanos.ts';

const scrapeSeconds = 90;
export const firstScrapesName = 'first-scrapes';

/** Waits until Thanos query has a few samples of every member of the fleet, up or down. */
export function firstScrapes(lab: Lab): Task {
  const members = allClusters(lab.plan).flatMap((cluster) => cluster.members).length;
  return {
    name: firstScrapesName,
    needs: [thanosQueryName, ...lab.plan.regions.map(sidecarName)],
    explainedBy: prometheusName(lab.plan.regions[0]),
    async run(signal) {
      const deadline = Date.now() + scrapeSeconds * 1000;
      for (;;) {
        const scraped = await scrapedMembers(lab);
        if (scraped >= members) {
          return;
        }
        if (Date.now() > deadline) {
          throw new Error(`only ${scraped} of ${members} members are known to Thanos after ${scrapeSeconds} s`);
        }
        await sleep(500, undefined, { signal });
      }
    },
  };
}

async function scrapedMembers(lab: Lab): Promise<number> {
  // Only the last four scrapes count: a lab that was stopped a moment ago still has older samples.
  const [count] = await instantQuery(lab.plan.thanosURL, 'count(count_over_time(up{job="etcd"}[20s]) >= 3)');
  return Number(count?.value[1] ?? 0);
}
