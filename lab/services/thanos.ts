import { stringify } from 'yaml';

import { httpOk } from '../http.ts';
import { type Lab, dataDir, etcFile, program } from '../lab.ts';
import type { PlannedRegion } from '../plan.ts';
import { writePrivateFile } from '../private-file.ts';
import type { Service } from '../supervisor/service.ts';
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

/** The one entry to the metrics of all regions. */
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
      '--query.timeout=30s',
      '--store.response-timeout=10s',
    ],
    ports: { http: thanosHttp, grpc: thanosGrpc },
    prepare() {
      // strict keeps a region that does not answer in the list: its absence is then a warning, not silence.
      const endpoints = lab.plan.regions.map(({ ports }) => ({
        address: `127.0.0.1:${ports.sidecarGrpc}`,
        strict: true,
      }));
      writePrivateFile(endpointsFile, stringify({ endpoints }));
    },
    probe: () => httpOk(`${lab.plan.thanosURL}/-/ready`),
  };
}

export const thanosQueryName = 'thanos-query';
export const sidecarName = (region: PlannedRegion) => `${region.name}-thanos-sidecar`;
