// Runs a Thanos sidecar and Thanos query in front of Prometheus, because dashboards and Thanos rule read through them.
import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { LabFailure } from '../../lab/failure.ts';
import { programOf, type Place } from '../place.ts';
import type { Prometheus } from './prometheus.ts';

const startTimeout = 120_000;

export interface Thanos {
  url: string;
  stop(): void;
}

/** Uses four ports, starting at `port`. */
export async function startThanos(
  place: Place,
  prometheus: Prometheus,
  port: number,
  signal: AbortSignal
): Promise<Thanos> {
  const program = programOf(place, 'thanos');
  const start = (name: string, args: string[]) => {
    const log = openSync(path.join(prometheus.directory, `thanos-${name}.log`), 'w');
    const child = spawn(program, [name, '--log.level=warn', ...args], { stdio: ['ignore', log, log] });
    closeSync(log);
    return child;
  };
  const [sidecarHttp, sidecarGrpc, queryHttp, queryGrpc] = [0, 1, 2, 3].map((offset) => `127.0.0.1:${port + offset}`);
  const children = [
    start('sidecar', [
      `--prometheus.url=${prometheus.url}`,
      `--tsdb.path=${path.join(prometheus.directory, 'data')}`,
      `--http-address=${sidecarHttp}`,
      `--grpc-address=${sidecarGrpc}`,
    ]),
    start('query', [
      `--http-address=${queryHttp}`,
      `--grpc-address=${queryGrpc}`,
      `--endpoint=${sidecarGrpc}`,
      '--query.replica-label=replica',
      '--query.timeout=5m',
    ]),
  ];
  const stop = () => children.forEach((child) => child.kill('SIGTERM'));
  const url = `http://${queryHttp}`;
  const deadline = Date.now() + startTimeout;
  while (Date.now() < deadline) {
    if (await hasStore(url)) {
      return { url, stop };
    }
    await sleep(500, undefined, { signal });
  }
  stop();
  throw new LabFailure('Thanos query does not reach Prometheus.', `See the logs in ${prometheus.directory}.`);
}

async function hasStore(url: string): Promise<boolean> {
  try {
    const response = await fetch(`${url}/api/v1/stores`, { signal: AbortSignal.timeout(5000) });
    const { data } = (await response.json()) as { data: { sidecar?: Array<{ lastError: unknown }> } };
    return Boolean(data.sidecar?.some(({ lastError }) => !lastError));
  } catch {
    return false; // not up yet
  }
}
