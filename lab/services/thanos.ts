import { stringify } from 'yaml';

import { httpOk } from '../http.ts';
import { type Lab, dataDir, etcFile, program } from '../lab.ts';
import type { PlannedRegion } from '../plan.ts';
import { writePrivateFile } from '../private-file.ts';
import { globalRuleFiles } from '../slo/rule-files.ts';
import type { Service } from '../supervisor/service.ts';
import { alertmanagerName, alertmanagerURL } from './alertmanager.ts';
import { prometheusName } from './prometheus.ts';

const common = ['--log.level=warn', '--http-grace-period=1s', '--grpc-grace-period=1s'];

/** Serves the region's Prometheus to Thanos query. */
export function thanosSidecar(lab: Lab, region: PlannedRegion): Service {
  const { prometheus, sidecarHttp, sidecarGrpc } = region.ports;
  return {
    name: sidecarName(region),
    needs: [prometheusName(region)],
    command: program(lab, 'thanos'),
    args: [
      'sidecar',
      ...common,
      `--prometheus.url=http://127.0.0.1:${prometheus}`,
      `--tsdb.path=${dataDir(lab, prometheusName(region))}`,
      `--http-address=127.0.0.1:${sidecarHttp}`,
      `--grpc-address=127.0.0.1:${sidecarGrpc}`,
    ],
    ports: { http: sidecarHttp, grpc: sidecarGrpc },
    probe: () => httpOk(`http://127.0.0.1:${sidecarHttp}/-/ready`),
  };
}

/** The single entry point to the metrics of all regions. */
export function thanosQuery(lab: Lab): Service {
  const { thanosHttp, thanosGrpc } = lab.plan.ports;
  const endpointsFile = etcFile(lab, 'thanos-endpoints.yaml');
  return {
    name: thanosQueryName,
    needs: [],
    command: program(lab, 'thanos'),
    args: [
      'query',
      ...common,
      `--http-address=127.0.0.1:${thanosHttp}`,
      `--grpc-address=127.0.0.1:${thanosGrpc}`,
      `--endpoint.sd-config-file=${endpointsFile}`,
      '--query.replica-label=replica',
      '--query.replica-label=rule_replica',
      '--query.timeout=30s',
      '--store.response-timeout=10s',
    ],
    ports: { http: thanosHttp, grpc: thanosGrpc },
    prepare() {
      // strict keeps endpoints that do not answer in the list, so that queries warn about them.
      const ports = [...lab.plan.regions.map((region) => region.ports.sidecarGrpc), lab.plan.ports.ruleGrpc];
      const endpoints = ports.map((port) => ({ address: `127.0.0.1:${port}`, strict: true }));
      writePrivateFile(endpointsFile, stringify({ endpoints }));
    },
    probe: () => httpOk(`${lab.plan.thanosURL}/-/ready`),
  };
}

/** Aggregates the regions to the fleet, and fires the alerts. */
export function thanosRule(lab: Lab): Service {
  const { ruleHttp, ruleGrpc } = lab.plan.ports;
  return {
    name: thanosRuleName,
    needs: [thanosQueryName, alertmanagerName],
    command: program(lab, 'thanos'),
    args: [
      'rule',
      ...common,
      `--http-address=127.0.0.1:${ruleHttp}`,
      `--grpc-address=127.0.0.1:${ruleGrpc}`,
      `--data-dir=${dataDir(lab, thanosRuleName)}`,
      '--tsdb.retention=2d',
      ...globalRuleFiles(lab).map((file) => `--rule-file=${file}`),
      `--query=${lab.plan.thanosURL}`,
      `--alertmanagers.url=${alertmanagerURL(lab)}`,
      `--alert.query-url=${lab.plan.thanosURL}`,
      // Replicas of Thanos rule fire the same alert. Dropping this label lets Alertmanager deduplicate them.
      '--label=rule_replica="a"',
      '--alert.label-drop=rule_replica',
      // Groups run in parallel: each waits for its queries, not for other groups.
      '--rule-concurrent-evaluation=4',
      // The default for groups without an interval. All of ours have one.
      '--eval-interval=30s',
    ],
    ports: { http: ruleHttp, grpc: ruleGrpc },
    probe: () => httpOk(`${thanosRuleURL(lab)}/-/ready`),
  };
}

export const thanosQueryName = 'thanos-query';
export const thanosRuleName = 'thanos-rule';
export const thanosRuleURL = (lab: Lab) => `http://127.0.0.1:${lab.plan.ports.ruleHttp}`;
export const sidecarName = (region: PlannedRegion) => sidecarNameOf(region.name);
export const sidecarNameOf = (region: string) => `${region}-thanos-sidecar`;
