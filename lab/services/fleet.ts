import path from 'node:path';

import { datasourceBinary } from '../build/plugin.ts';
import { labEnvironment } from '../environment.ts';
import type { GrafanaSource } from '../grafana/source.ts';
import { http } from '../http.ts';
import { type Lab, program } from '../lab.ts';
import type { Service } from '../supervisor/service.ts';

export const fleetURL = (lab: Lab) => `http://127.0.0.1:${lab.plan.ports.fleet}`;

/** Serves the datasource over HTTP if the lab has no Grafana. */
export function fleet(lab: Lab, source: GrafanaSource): Service[] {
  if (source.kind !== 'none') {
    return [];
  }
  const provisioning = path.join(lab.root, 'provisioning', 'datasources', 'etcd-fleet.yaml');
  const service: Service = {
    name: 'fleet',
    needs: [],
    command: program(lab, 'fleet'),
    args: [
      'serve',
      `--addr=127.0.0.1:${lab.plan.ports.fleet}`,
      `--binary=${datasourceBinary(lab)}`,
      `--datasource=${provisioning}`,
    ],
    env: () => labEnvironment(lab),
    ports: { http: lab.plan.ports.fleet },
    watches: [datasourceBinary(lab), provisioning],
    // Any answer means that it is ready: the datasource keeps running when it reports failures.
    probe: () => http(`${fleetURL(lab)}/api/datasources/uid/etcdfleet/health`),
  };
  return [service];
}
