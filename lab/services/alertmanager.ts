import path from 'node:path';

import { httpOk } from '../http.ts';
import { type Lab, dataDir, program } from '../lab.ts';
import type { Service } from '../supervisor/service.ts';

/** Groups, routes and silences alerts by deploy/alertmanager/alertmanager.yaml, whose receivers notify nobody. */
export function alertmanager(lab: Lab): Service {
  const { alertmanager: port } = lab.plan.ports;
  const configFile = path.join(lab.root, 'deploy', 'alertmanager', 'alertmanager.yaml');
  return {
    name: alertmanagerName,
    needs: [],
    command: program(lab, 'alertmanager'),
    args: [
      `--config.file=${configFile}`,
      `--storage.path=${dataDir(lab, alertmanagerName)}`,
      `--web.listen-address=127.0.0.1:${port}`,
      '--cluster.listen-address=', // it has no peers
      '--log.level=warn',
    ],
    ports: { http: port },
    watches: [configFile],
    probe: () => httpOk(`${alertmanagerURL(lab)}/-/ready`),
  };
}

export const alertmanagerName = 'alertmanager';
export const alertmanagerURL = (lab: Lab) => `http://127.0.0.1:${lab.plan.ports.alertmanager}`;
