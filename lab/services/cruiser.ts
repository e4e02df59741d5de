import { kubeconfigFile } from '../credentials.ts';
import { httpOk } from '../http.ts';
import { backupsDir, type Lab, program } from '../lab.ts';
import type { PlannedRegion } from '../plan.ts';
import type { Service } from '../supervisor/service.ts';
import { objectsName } from './etcd-objects.ts';

/** Runs the region's inspections. */
export function cruiser(lab: Lab, region: PlannedRegion): Service {
  const { cruiserMetrics: metrics, cruiserHealth: health } = region.ports;
  return {
    name: cruiserNameOf(region.name),
    needs: [objectsName(region)],
    command: program(lab, 'cruiser'),
    args: [
      `--kubeconfig=${kubeconfigFile(lab, region, 'etcdfleet-cruiser')}`,
      `--namespaces=${region.name}`,
      `--region=${region.name}`,
      `--metrics-bind-address=127.0.0.1:${metrics}`,
      `--health-probe-bind-address=127.0.0.1:${health}`,
      `--backup-root=${backupsDir(lab)}`,
    ],
    ports: { metrics, health },
    probe: () => httpOk(`http://127.0.0.1:${health}/readyz`),
  };
}

export const cruiserNameOf = (region: string) => `${region}-cruiser`;
