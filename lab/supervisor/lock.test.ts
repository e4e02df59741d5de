import assert from 'node:assert/strict';
import { existsSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import { temporaryDir } from '../testing.ts';
import { withLock } from './lock.ts';

test('a second request for the lock fails with the holder’s number, and the lock is released afterwards', async (t) => {
  const file = path.join(temporaryDir(t), 'lock');
  await withLock(file, 'building', async () => {
    await assert.rejects(
      withLock(file, 'building', () => Promise.resolve()),
      { message: `Process ${process.pid} is building already.` }
    );
  });
  assert.ok(!existsSync(file));
});

test('the lock is released after a failure', async (t) => {
  const file = path.join(temporaryDir(t), 'lock');
  await assert.rejects(
    withLock(file, 'building', () => Promise.reject(new Error('no'))),
    /no/
  );
  assert.ok(!existsSync(file));
});

test('a lock that a crash left behind is taken over', async (t) => {
  const file = path.join(temporaryDir(t), 'lock');
  writeFileSync(file, '999999999');
  assert.equal(await withLock(file, 'building', () => Promise.resolve('done')), 'done');
});
