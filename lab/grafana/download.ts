import { execa } from 'execa';
import { createHash } from 'node:crypto';
import { createReadStream, createWriteStream, existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';

import { grafanaVersion } from '../topology.ts';

const releases = 'https://dl.grafana.com/oss/release';
const checksumTimeout = 15_000;
const downloadTimeout = 15 * 60_000;

/**
 * Unpacks the pinned release into a subfolder, unless it exists, and returns its path. The archive must have the
 * checksum that is published with it.
 */
export async function downloadGrafana(folder: string, baseURL = releases): Promise<string> {
  const home = path.join(folder, `grafana-${grafanaVersion}`);
  if (existsSync(home)) {
    return home;
  }
  const url = `${baseURL}/${archiveName(process.platform, process.arch)}`;
  const published = await publishedChecksum(`${url}.sha256`);
  const unpacking = `${home}.unpacking`;
  const archive = `${home}.tar.gz`;
  try {
    await mkdir(unpacking, { recursive: true });
    await download(url, archive);
    const actual = await checksumOf(archive);
    if (actual !== published) {
      throw new Error(`${url} has the SHA-256 checksum ${actual}, but ${published} is published`);
    }
    await execa('tar', ['-xzf', archive, '-C', unpacking, '--strip-components=1']);
    await rename(unpacking, home);
    return home;
  } finally {
    await Promise.all([rm(archive, { force: true }), rm(unpacking, { recursive: true, force: true })]);
  }
}

export function archiveName(platform: string, architecture: string): string {
  const system = `${platform}-${architecture === 'x64' ? 'amd64' : architecture}`;
  if (!['linux-amd64', 'linux-arm64', 'darwin-amd64', 'darwin-arm64'].includes(system)) {
    throw new Error(`Grafana publishes no archive for ${system}`);
  }
  return `grafana-${grafanaVersion}.${system}.tar.gz`;
}

async function publishedChecksum(url: string): Promise<string> {
  const response = await get(url, checksumTimeout);
  const [checksum] = (await response.text()).trim().split(/\s+/);
  if (!/^[0-9a-f]{64}$/.test(checksum)) {
    throw new Error(`${url} does not contain a SHA-256 checksum`);
  }
  return checksum;
}

async function download(url: string, file: string): Promise<void> {
  const response = await get(url, downloadTimeout);
  if (!response.body) {
    throw new Error(`${url} returned an empty answer`);
  }
  await pipeline(Readable.fromWeb(response.body as import('node:stream/web').ReadableStream), createWriteStream(file));
}

async function get(url: string, timeout: number): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(timeout) });
  } catch (error) {
    throw new Error(`${url} cannot be reached`, { cause: error });
  }
  if (!response.ok) {
    throw new Error(`${url} answered ${response.status}`);
  }
  return response;
}

async function checksumOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex');
}
