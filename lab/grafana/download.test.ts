import { execa } from 'execa';
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdir, readFile, readdir, writeFile } from 'node:fs/promises';
import { type Server, createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { type TestContext, test } from 'node:test';

import { temporaryDir } from '../testing.ts';
import { grafanaVersion } from '../topology.ts';
import { archiveName, downloadGrafana } from './download.ts';

const name = archiveName(process.platform, process.arch);

test('the release is unpacked if its checksum matches the published one, and is downloaded only once', async (t) => {
  const archive = await anArchive(t);
  const server = await serve(t, { [name]: archive, [`${name}.sha256`]: sha256(archive) });
  const folder = temporaryDir(t);

  const home = await downloadGrafana(folder, server.url);
  assert.equal(home, path.join(folder, `grafana-${grafanaVersion}`));
  assert.equal(await readFile(path.join(home, 'bin', 'grafana'), 'utf8'), 'the program');
  assert.deepEqual(await readdir(folder), [`grafana-${grafanaVersion}`]);

  server.stop();
  assert.equal(await downloadGrafana(folder, server.url), home);
});

test('an archive with another checksum is refused and leaves no files', async (t) => {
  const archive = await anArchive(t);
  const server = await serve(t, { [name]: archive, [`${name}.sha256`]: sha256('another') });
  const folder = temporaryDir(t);
  await assert.rejects(downloadGrafana(folder, server.url), /has the SHA-256 checksum .+, but .+ is published/);
  assert.deepEqual(await readdir(folder), []);
});

test('a missing checksum and an unreachable server have different errors', async (t) => {
  const server = await serve(t, { [name]: 'x', [`${name}.sha256`]: '<html>' });
  await assert.rejects(downloadGrafana(temporaryDir(t), server.url), /does not contain a SHA-256 checksum/);
  await assert.rejects(downloadGrafana(temporaryDir(t), `${server.url}/elsewhere`), /answered 404/);
  server.stop();
  await assert.rejects(downloadGrafana(temporaryDir(t), server.url), /cannot be reached/);
});

for (const [platform, architecture, want] of [
  ['linux', 'x64', `grafana-${grafanaVersion}.linux-amd64.tar.gz`],
  ['darwin', 'arm64', `grafana-${grafanaVersion}.darwin-arm64.tar.gz`],
]) {
  test(`the archive for ${platform} on ${architecture}`, () => assert.equal(archiveName(platform, architecture), want));
}

test('the error for a platform without a release names it', () => {
  assert.throws(() => archiveName('win32', 'x64'), /no archive for win32-amd64/);
});

const sha256 = (content: string | Buffer) => createHash('sha256').update(content).digest('hex');

/** Returns a release packed as Grafana does: everything in one folder. */
async function anArchive(t: TestContext): Promise<Buffer> {
  const folder = temporaryDir(t);
  await mkdir(path.join(folder, 'grafana-x', 'bin'), { recursive: true });
  await writeFile(path.join(folder, 'grafana-x', 'bin', 'grafana'), 'the program');
  await execa('tar', ['-czf', 'grafana.tar.gz', 'grafana-x'], { cwd: folder });
  return readFile(path.join(folder, 'grafana.tar.gz'));
}

async function serve(t: TestContext, files: Record<string, string | Buffer>) {
  const server: Server = createServer((request, response) => {
    const file = files[(request.url ?? '').slice(1)];
    response.statusCode = file === undefined ? 404 : 200;
    response.end(file);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = () => {
    server.closeAllConnections();
    server.close();
  };
  t.after(stop);
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, stop };
}
