import { execa } from 'execa';
import assert from 'node:assert/strict';
import { statSync } from 'node:fs';
import { test } from 'node:test';

import { createCredentials } from './credentials.ts';
import { labEnvironment, writeEnvironmentFile } from './environment.ts';
import { environmentFile } from './lab.ts';
import { temporaryLab } from './testing.ts';

test('a shell reads the same variables from the file, multi-line certificates included, and only its owner may read it', async (t) => {
  const lab = temporaryLab(t);
  await createCredentials(lab);
  writeEnvironmentFile(lab);
  const print = `set -a; . "$0"; exec "$1" -p 'JSON.stringify(process.env)'`;
  const { stdout } = await execa('sh', ['-c', print, environmentFile(lab), process.execPath]);
  const read = JSON.parse(stdout) as Record<string, string>;
  for (const [name, value] of Object.entries(labEnvironment(lab))) {
    assert.equal(read[name], value);
  }
  assert.match(read.ETCDFLEET_GZ_CA, /^-----BEGIN CERTIFICATE-----\n/);
  assert.equal(statSync(environmentFile(lab)).mode & 0o777, 0o600);
});
