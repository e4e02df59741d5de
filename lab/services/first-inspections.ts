import { setTimeout as sleep } from 'node:timers/promises';

import { getObject } from '../kubernetes/client.ts';
import type { Lab } from '../lab.ts';
import type { PlannedRegion } from '../plan.ts';
import type { Task } from '../supervisor/service.ts';
import { cruiserNameOf } from './cruiser.ts';
import { kubernetesServer } from './etcd-apiserver.ts';

const firstRunSeconds = 60;

/** Waits until each of the region's inspections has run once, so that there is something to show. */
export function firstInspections(lab: Lab, region: PlannedRegion): Task {
  return {
    name: `${region.name}-first-inspections`,
    needs: [cruiserNameOf(region.name)],
    explainedBy: cruiserNameOf(region.name),
    async run(signal) {
      const deadline = Date.now() + firstRunSeconds * 1000;
      while (!(await allRan(lab, region))) {
        if (Date.now() > deadline) {
          throw new Error(`some inspections have not run within ${firstRunSeconds} s`);
        }
        await sleep(500, undefined, { signal });
      }
    },
  };
}

async function allRan(lab: Lab, region: PlannedRegion): Promise<boolean> {
  const { items } = await getObject<{ items: Array<{ status?: { outcome?: string } }> }>(
    kubernetesServer(lab, region),
    `/apis/etcd.cloud.tencent.com/v1beta1/namespaces/${region.name}/etcdmonitors`
  );
  return items.every(({ status }) => status?.outcome !== undefined);
}
