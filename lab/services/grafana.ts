import { execa } from 'execa';
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import path from 'node:path';

import { appId, datasourceType, inspectionsPanelType } from '../../src/ids.ts';
import { datasourceBinary } from '../build/plugin.ts';
import { labEnvironment, labEnvironmentNames } from '../environment.ts';
import type { GrafanaSource } from '../grafana/source.ts';
import { httpOk } from '../http.ts';
import { type Lab, dataDir, etcFile } from '../lab.ts';
import { writePrivateFile } from '../private-file.ts';
import type { Service } from '../supervisor/service.ts';
import { grafanaVersion } from '../topology.ts';

const unsignedPlugins = [appId, datasourceType, inspectionsPanelType];

export const grafanaName = 'grafana';
export const grafanaAdmin = { user: 'admin', password: 'admin' };
export const grafanaURL = (lab: Lab) => `http://127.0.0.1:${lab.plan.ports.grafana}`;

/** The lab's own Grafana with the plugin. Empty if an existing Grafana or none is used. */
export function grafana(lab: Lab, source: GrafanaSource): Service[] {
  if (source.kind !== 'home' && source.kind !== 'docker') {
    return [];
  }
  const service: Service = {
    name: grafanaName,
    needs: [],
    ...(source.kind === 'home' ? fromHome(lab, source.home) : fromDocker(lab)),
    env: () => ({ ...grafanaSettings(lab), ...labEnvironment(lab) }),
    ports: { http: lab.plan.ports.grafana },
    watches: [datasourceBinary(lab), path.join(lab.root, 'provisioning'), path.join(lab.root, 'src', 'plugin.json')],
    prepare() {
      linkPlugin(lab);
      writePrivateFile(configFile(lab), '; The lab sets everything in the environment.\n');
    },
    probe: () => httpOk(`${grafanaURL(lab)}/api/health`),
    readySeconds: 180, // the first start creates the database
  };
  return [service];
}

function fromHome(lab: Lab, home: string): Pick<Service, 'command' | 'args'> {
  return {
    command: path.join(home, 'bin', 'grafana'),
    args: ['server', `--homepath=${home}`, `--config=${configFile(lab)}`],
  };
}

/** Runs the official image on the host's network, because the lab listens on loopback only. */
function fromDocker(lab: Lab): Pick<Service, 'command' | 'args' | 'cleanUp'> {
  const container = `etcdfleet-lab-grafana-${lab.portBase}`;
  const variables = [...Object.keys(grafanaSettings(lab)), ...labEnvironmentNames(lab)];
  return {
    command: 'docker',
    args: [
      'run',
      '--rm',
      `--name=${container}`,
      '--network=host',
      `--user=${process.getuid?.()}:${process.getgid?.()}`,
      `--volume=${lab.root}:${lab.root}:ro`,
      `--volume=${lab.dir}:${lab.dir}`,
      // Only names: Docker takes the values from its own environment, so that no secret is on a command line.
      ...variables.map((name) => `--env=${name}`),
      `--env=GF_PATHS_CONFIG=${configFile(lab)}`,
      `grafana/grafana:${grafanaVersion}`,
    ],
    cleanUp: () => execa('docker', ['rm', '--force', container], { reject: false, timeout: 30_000 }),
  };
}

/** The environment variables that configure the lab's Grafana. */
export function grafanaSettings(lab: Lab): Record<string, string> {
  const data = dataDir(lab, grafanaName);
  return {
    GF_SERVER_HTTP_ADDR: '127.0.0.1',
    GF_SERVER_HTTP_PORT: String(lab.plan.ports.grafana),
    GF_PATHS_DATA: data,
    GF_PATHS_LOGS: path.join(data, 'log'),
    GF_PATHS_PLUGINS: pluginsDir(lab),
    GF_PATHS_PROVISIONING: path.join(lab.root, 'provisioning'),
    GF_LOG_MODE: 'console',
    GF_DATABASE_WAL: 'true',
    GF_SECURITY_ADMIN_USER: grafanaAdmin.user,
    GF_SECURITY_ADMIN_PASSWORD: grafanaAdmin.password,
    GF_SECURITY_DISABLE_GRAVATAR: 'true',
    GF_ANALYTICS_REPORTING_ENABLED: 'false',
    GF_ANALYTICS_CHECK_FOR_UPDATES: 'false',
    GF_ANALYTICS_CHECK_FOR_PLUGIN_UPDATES: 'false',
    GF_NEWS_NEWS_FEED_ENABLED: 'false',
    GF_SNAPSHOTS_EXTERNAL_ENABLED: 'false',
    GF_PLUGINS_PREINSTALL_DISABLED: 'true',
    GF_PLUGINS_PUBLIC_KEY_RETRIEVAL_DISABLED: 'true',
    GF_PLUGINS_ALLOW_LOADING_UNSIGNED_PLUGINS: unsignedPlugins.join(','),
  };
}

function linkPlugin(lab: Lab): void {
  const link = path.join(pluginsDir(lab), appId);
  mkdirSync(pluginsDir(lab), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(path.join(lab.root, 'dist'), link);
}

const pluginsDir = (lab: Lab) => path.join(dataDir(lab, grafanaName), 'plugins');
const configFile = (lab: Lab) => etcFile(lab, 'grafana.ini');
