// A Prometheus of its own for blocks of a TSDB: of a backup, an object store's copy, or what promtool made.
import { spawn, type ChildProcess } from 'node:child_process';
import {
  copyFileSync,
  cpSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { findProgram } from '../promtool.ts';
import { QueryFailure } from './prometheus.ts';

export interface ServedBlocks {
  url: string;
  /** Seconds; what the blocks hold. */
  from: number;
  to: number;
  /** Ends the server and removes what was made for it. */
  close(): Promise<void>;
}

const startsWithin = 120_000;
const endsWithin = 20_000;

/** Serves the blocks of a folder on loopback. The folder itself is not changed. */
export async function serveBlocks(directory: string, signal: AbortSignal): Promise<ServedBlocks> {
  const blocks = blocksIn(directory);
  const program = findProgram('prometheus');
  if (!program) {
    throw new QueryFailure(
      'There is no prometheus to serve the blocks: run npm run lab -- build prometheus, or set ETCDFLEET_BIN to where it is.'
    );
  }
  const scratch = mkdtempSync(path.join(tmpdir(), 'etcdfleet-blocks-'));
  let server: ChildProcess | undefined;
  const close = async () => {
    if (server) {
      await endServer(server);
    }
    rmSync(scratch, { recursive: true, force: true });
  };
  try {
    const data = path.join(scratch, 'data');
    blocks.forEach(({ name }) => linkBlock(path.join(directory, name), path.join(data, name)));
    writeFileSync(path.join(scratch, 'prometheus.yml'), '');
    const port = await freePort();
    const url = `http://127.0.0.1:${port}`;
    const log: string[] = [];
    server = spawn(
      program,
      [
        `--config.file=${scratch}/prometheus.yml`,
        `--storage.tsdb.path=${data}`,
        '--storage.tsdb.retention.time=100y',
        `--web.listen-address=127.0.0.1:${port}`,
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] }
    );
    server.stderr!.on('data', (chunk: Buffer) => log.push(chunk.toString()));
    await untilReady(url, server, log, signal);
    return {
      url,
      from: Math.min(...blocks.map(({ minTime }) => minTime)) / 1000,
      to: Math.max(...blocks.map(({ maxTime }) => maxTime)) / 1000,
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

interface Block {
  name: string;
  /** Milliseconds. */
  minTime: number;
  maxTime: number;
}

function blocksIn(directory: string): Block[] {
  if (!existsSync(directory)) {
    throw new QueryFailure(`There is no folder ${directory}. Give --blocks a folder with blocks of a Prometheus TSDB.`);
  }
  const blocks = readdirSync(directory).flatMap((name) => {
    const meta = path.join(directory, name, 'meta.json');
    return existsSync(meta) ? [{ name, ...(JSON.parse(readFileSync(meta, 'utf8')) as Omit<Block, 'name'>) }] : [];
  });
  if (blocks.length === 0) {
    throw new QueryFailure(
      `${directory} has no block: a block is a folder with meta.json, index and chunks. Give --blocks the folder around them.`
    );
  }
  return blocks;
}

/** Prometheus replaces files and never writes into one, so links keep the originals as they are. */
export function linkBlock(from: string, to: string) {
  mkdirSync(to, { recursive: true });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const [source, target] = [path.join(from, entry.name), path.join(to, entry.name)];
    if (entry.isDirectory()) {
      linkBlock(source, target);
    } else if (entry.isSymbolicLink()) {
      cpSync(source, target, { dereference: true });
    } else {
      linkOrCopy(source, target);
    }
  }
}

function linkOrCopy(source: string, target: string) {
  try {
    linkSync(source, target);
  } catch {
    copyFileSync(source, target); // another file system
  }
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
      throw new QueryFailure(
        `Prometheus cannot serve the blocks:\n${log.join('').trim().split('\n').slice(-5).join('\n')}`
      );
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
