import { kubeconfigFile } from '../credentials.ts';
import { httpOk } from '../http.ts';
import { type Lab, program } from '../lab.ts';
import type { PlannedRegion } from '../plan.ts';
import type { Service } from '../supervisor/service.ts';
import { objectsName } from './etcd-objects.ts';

/** Serves the region's scrape targets, and creates the EtcdMonitors that its policy requires. */
export function operator(lab: Lab, region: PlannedRegion): Service {
  const { operatorMetrics: metrics, operatorHealth: health, operatorTargets: targets } = region.ports;
  return {
    name: operatorName(region),
    needs: [objectsName(region)],
    command: program(lab, 'operator'),
    args: [
      `--kubeconfig=${kubeconfigFile(lab, region, 'etcdfleet-operator')}`,
      `--namespaces=${region.name}`,
      `--region=${region.name}`,
      `--prometheus-url=http://127.0.0.1:${region.ports.prometheus}`,
      `--metrics-bind-address=127.0.0.1:${metrics}`,
      `--health-probe-bind-address=127.0.0.1:${health}`,
      `--targets-bind-address=127.0.0.1:${targets}`,
    ],
    ports: { metrics, health, targets },
    probe: () => httpOk(`http://127.0.0.1:${health}/readyz`),
  };
}

export const operatorName = (region: PlannedRegion) => `${region.name}-operator`;
