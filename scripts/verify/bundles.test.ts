import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { test } from 'node:test';

import { checkBundles } from './bundles.ts';

function dist(files: Record<string, number>): { folder: string; log: string } {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'etcdfleet-bundles-'));
  for (const [file, bytes] of Object.entries(files)) {
    mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
    writeFileSync(path.join(folder, file), randomBytes(bytes)); // which gzip cannot make smaller
  }
  return { folder, log: path.join(folder, 'log') };
}

test('each bundle has a budget, and one above it is named with both', async () => {
  const { folder, log } = dist({
    'module.js': 9000,
    'page.js': 101_000,
    'panels/a/module.js': 20_000,
    'other/x.js': 10,
  });
  const { passed, failed } = await checkBundles(folder, log);
  assert.deepEqual([passed, failed], [2, 2]);
  assert.match(readFileSync(log, 'utf8'), /^not ok page\.js: 101\.\d kB of 100 kB/m);
  assert.match(readFileSync(log, 'utf8'), /^not ok other\/x\.js: 0\.0 kB of 0 kB/m);
});

test('without a bundle there is nothing that could have passed', async () => {
  const { folder, log } = dist({});
  assert.equal((await checkBundles(folder, log)).failed, 1);
});
