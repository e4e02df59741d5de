import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';

import type { Lab } from '../lab.ts';
import { temporaryLab } from '../testing.ts';
import { processTable } from './process-table.ts';
import { allRecords, livingProcess, readRecord, writeRecord } from './records.ts';
import type { Service } from './service.ts';
import { isOutdated, isRunning, sendSignal, startService, stopProcess } from './supervisor.ts';

const node = (lab: Lab, name: string, script: string, more: Partial<Service> = {}): Service => ({
  name,
  needs: [],
  command: process.execPath,
  args: ['-e', script, lab.dir],
  ports: {},
  probe: () => Promise.resolve(),
  ...more,
});

const forever = 'setInterval(() => {}, 1000)';

test('a started service runs in the background, is not outdated, and is gone after its stop', async (t) => {
  const lab = temporaryLab(t);
  const service = node(lab, 'one', forever);
  await startService(lab, service);
  assert.ok(isRunning(lab, service));
  assert.ok(!isOutdated(lab, service));

  const record = readRecord(lab, 'one')!;
  await stopProcess(lab, record);
  assert.ok(!isRunning(lab, service));
  assert.deepEqual(allRecords(lab), []);
  assert.equal(livingProcess(record), undefined);
});

test('a stop also ends a paused process and child processes', async (t) => {
  const lab = temporaryLab(t);
  const spawnsChild = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(forever)}]); ${forever}`;
  await startService(lab, node(lab, 'paused', forever));
  await startService(lab, node(lab, 'parent', spawnsChild));
  const paused = readRecord(lab, 'paused')!;
  const parent = readRecord(lab, 'parent')!;
  sendSignal(paused.pid, 'SIGSTOP');
  await until(() => groupOf(parent.pid).length === 2);

  await Promise.all([stopProcess(lab, paused), stopProcess(lab, parent)]);
  assert.deepEqual([...groupOf(paused.pid), ...groupOf(parent.pid)], []);
});

test('a stop waits for a child that exits after its parent', async (t) => {
  const lab = temporaryLab(t);
  const slow = `process.on('SIGTERM', () => setTimeout(() => process.exit(), 1000)); console.log('ready'); ${forever}`;
  const parentOfSlow = `
    const child = require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(slow)}]);
    child.stdout.once('data', () => require('fs').writeFileSync(process.argv[1] + '/spawned', ''));
    ${forever}`;
  await startService(lab, node(lab, 'parent', parentOfSlow));
  const parent = readRecord(lab, 'parent')!;
  await until(() => existsSync(path.join(lab.dir, 'spawned')));

  await stopProcess(lab, parent);
  assert.deepEqual(groupOf(parent.pid), []);
});

test('another process that got the recorded number is left alone', async (t) => {
  const lab = temporaryLab(t);
  const stranger = spawn(process.execPath, ['-e', forever], { detached: true, stdio: 'ignore' });
  await once(stranger, 'spawn');
  t.after(() => stranger.kill('SIGKILL'));
  const record = { name: 'etcd', pid: stranger.pid!, command: ['/usr/bin/etcd'], build: '', startedAt: '' };
  writeRecord(lab, record);

  await stopProcess(lab, record);
  assert.equal(groupOf(stranger.pid!).length, 1);
  assert.deepEqual(allRecords(lab), []);
});

test('a service that exits before it is ready fails with the end of its log', async (t) => {
  const lab = temporaryLab(t);
  const service = node(lab, 'broken', `console.error('no such flag'); process.exit(3)`, {
    probe: () => Promise.reject(new Error('refused')),
  });
  await assert.rejects(startService(lab, service), {
    message: /^broken did not start: it exited with code 3/,
    logTail: 'no such flag',
    remedy: /npm run lab logs broken/,
  });
});

test('a missing program fails the start', async (t) => {
  const lab = temporaryLab(t);
  const service = { ...node(lab, 'absent', ''), command: path.join(lab.dir, 'absent') };
  service.probe = () => Promise.reject(new Error('refused'));
  await assert.rejects(startService(lab, service), /absent did not start: .*ENOENT/);
});

test('a service that does not become ready fails with the probe’s last reason', async (t) => {
  const lab = temporaryLab(t);
  const probe = () => Promise.reject(new Error('no leader'));
  const service = node(lab, 'slow', forever, { probe, readySeconds: 1 });
  await assert.rejects(startService(lab, service), /slow did not start: it is not ready after 1 s: no leader/);
  await stopProcess(lab, readRecord(lab, 'slow')!);
});

test('a service is outdated when its arguments or a watched file change', async (t) => {
  const lab = temporaryLab(t);
  const watched = path.join(lab.dir, 'settings');
  writeFileSync(watched, 'x');
  const service = node(lab, 'one', forever, { watches: [watched] });
  await startService(lab, service);
  assert.ok(!isOutdated(lab, service));
  assert.ok(isOutdated(lab, { ...service, args: [...service.args, '--more'] }));
  utimesSync(watched, 1, 1);
  assert.ok(isOutdated(lab, service));
  await stopProcess(lab, readRecord(lab, 'one')!);
});

const groupOf = (pid: number) => processTable().filter((entry) => entry.group === pid);

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
