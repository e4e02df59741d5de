import { setTimeout as sleep } from 'node:timers/promises';

import { getObject } from '../kubernetes/client.ts';
import { labChecks, quickChecks } from '../kubernetes/inspections.ts';
import type { Lab } from '../lab.ts';
import type { PlannedRegion } from '../plan.ts';
import type { Task } from '../supervisor/service.ts';
import { cruiserNameOf } from './cruiser.ts';
import { kubernetesServer } from './etcd-apiserver.ts';
import { operatorName } from './operator.ts';

const firstRunSeconds = 120;

/**
 * Waits until each of the region's clusters has its inspections and the quick ones have run once, so that dashboards
 * have results to show.
 */
export function firstInspections(lab: Lab, region: PlannedRegion): Task {
  return {
    name: `${region.name}-first-inspections`,
    needs: [cruiserNameOf(region.name), operatorName(region)],
    explainedBy: cruiserNameOf(region.name),
    async run(signal) {
      const [expected, quick] = [labChecks, quickChecks].map((checks) =>
        region.clusters.flatMap(({ name }) => checks.map((check) => `${name} ${check.name}`))
      );
      const deadline = Date.now() + firstRunSeconds * 1000;
      for (;;) {
        const monitors = await etcdMonitors(lab, region);
        const found = new Map(monitors.map(({ spec, status }) => [`${spec.clusterId} ${spec.metricName}`, status]));
        const absent = expected.filter((inspection) => !found.has(inspection));
        const waiting = quick.filter((inspection) => !found.get(inspection)?.outcome);
        if (absent.length + waiting.length === 0) {
          return;
        }
        if (Date.now() > deadline) {
          throw new Error(problem(region, absent, waiting));
        }
        await sleep(500, undefined, { signal });
      }
    },
  };
}

interface EtcdMonitor {
  spec: { clusterId: string; metricName: string };
  status?: { outcome?: string };
}

async function etcdMonitors(lab: Lab, region: PlannedRegion): Promise<EtcdMonitor[]> {
  const { items } = await getObject<{ items: EtcdMonitor[] }>(
    kubernetesServer(lab, region),
    `/apis/etcd.cloud.tencent.com/v1beta1/namespaces/${region.name}/etcdmonitors`
  );
  return items;
}

function problem(region: PlannedRegion, absent: string[], waiting: string[]): string {
  return absent.length > 0
    ? `after ${firstRunSeconds} s there is no EtcdMonitor of ${absent.join(', ')}: see npm run lab logs ${operatorName(region)}`
    : `these inspections have not run within ${firstRunSeconds} s: ${waiting.join(', ')}`;
}
