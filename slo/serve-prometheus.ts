// A Prometheus of one's own on loopback, without targets.
import { spawn, type ChildProcess } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { QueryFailure } from './prometheus.ts';
import { findProgram } from './promtool.ts';

export interface ServedPrometheus {
  url: string;
  close(): Promise<void>;
}

const startsWithin = 120_000;
const endsWithin = 20_000;

/** Starts one with its data in a folder, and waits until it answers. */
export async function servePrometheus(
  scratch: string,
  flags: string[],
  signal: AbortSignal
): Promise<ServedPrometheus> {
  const program = findProgram('prometheus');
  if (!program) {
    throw new QueryFailure(
      'There is no prometheus to start: run npm run lab -- build prometheus, or set ETCDFLEET_BIN to where it is.'
    );
  }
  writeFileSync(path.join(scratch, 'prometheus.yml'), '');
  const port = await freePort();
  const url = `http://127.0.0.1:${port}`;
  const log: string[] = [];
  const args = [
    `--config.file=${scratch}/prometheus.yml`,
    `--storage.tsdb.path=${path.join(scratch, 'data')}`,
    `--web.listen-address=127.0.0.1:${port}`,
    ...flags,
  ];
  const server = spawn(program, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  server.stderr.on('data', (chunk: Buffer) => log.push(chunk.toString()));
  try {
    await untilReady(url, server, log, signal);
  } catch (error) {
    await endServer(server);
    throw error;
  }
  return { url, close: () => endServer(server) };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as AddressInfo;
      probe.close(() => resolve(port));
    });
  });
}

async function untilReady(url: string, server: ChildProcess, log: string[], signal: AbortSignal) {
  const limit = Date.now() + startsWithin;
  while (Date.now() < limit) {
    signal.throwIfAborted();
    if (server.exitCode !== null) {
      throw new QueryFailure(`Prometheus has ended:\n${log.join('').trim().split('\n').slice(-5).join('\n')}`);
    }
    if (await isReady(url)) {
      return;
    }
    await sleep(200, undefined, { signal });
  }
  throw new QueryFailure(`Prometheus was not ready within ${startsWithin / 1000} s.`);
}

async function isReady(url: string): Promise<boolean> {
  try {
    return (await fetch(`${url}/-/ready`, { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}

/** Ends a server the orderly way, and otherwise when it has not ended within these milliseconds. */
export async function endServer(server: ChildProcess, milliseconds = endsWithin) {
  if (server.exitCode !== null || server.signalCode !== null) {
    return;
  }
  const ended = new Promise((resolve) => server.once('exit', resolve));
  server.kill('SIGTERM');
  const timer = setTimeout(() => server.kill('SIGKILL'), milliseconds);
  await ended;
  clearTimeout(timer);
}
