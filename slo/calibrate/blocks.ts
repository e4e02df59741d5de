// A Prometheus of its own for blocks of a TSDB: of a backup, an object store's copy, or what promtool made.
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
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { QueryFailure } from '../prometheus.ts';
import { servePrometheus } from '../serve-prometheus.ts';

export interface ServedBlocks {
  url: string;
  /** Seconds; what the blocks hold. */
  from: number;
  to: number;
  /** Ends the server and removes what was made for it. */
  close(): Promise<void>;
}

/** Serves the blocks of a folder on loopback. The folder itself is not changed. */
export async function serveBlocks(directory: string, signal: AbortSignal): Promise<ServedBlocks> {
  const blocks = blocksIn(directory);
  const scratch = mkdtempSync(path.join(tmpdir(), 'etcdfleet-blocks-'));
  const remove = () => rmSync(scratch, { recursive: true, force: true });
  try {
    blocks.forEach(({ name }) => linkBlock(path.join(directory, name), path.join(scratch, 'data', name)));
    const { url, close } = await servePrometheus(scratch, ['--storage.tsdb.retention.time=100y'], signal);
    return {
      url,
      from: Math.min(...blocks.map(({ minTime }) => minTime)) / 1000,
      to: Math.max(...blocks.map(({ maxTime }) => maxTime)) / 1000,
      close: () => close().finally(remove),
    };
  } catch (error) {
    remove();
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
