// The whole lab from real programs, through its command line: run with node --import tsx --test lab/lab.itest.ts.
import assert from 'node:assert/strict';
import path from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { type StatusRow, labStatus } from './commands/status.ts';
import { getObject } from './kubernetes/client.ts';
import { allClusters } from './plan.ts';
import { labCommand, processesOf } from './running-lab.ts';
import { kubernetesServer } from './services/etcd-apiserver.ts';
import { readRecord } from './supervisor/records.ts';
import { temporaryDir } from './testing.ts';
import { testLab } from './test-lab.ts';

const lab = testLab(26000);
const { options } = lab;
const port = (offset: number) => options.portBase + offset;

test('a start ends with addresses and a table of every cluster with its leader and inspection', () => {
  const { running, startOutput } = lab;
  for (const cluster of allClusters(running.lab.plan)) {
    const row = startOutput.split('\n').find((line) => line.includes(cluster.name) && line.includes('Passed'));
    assert.ok(row, `${cluster.name} in\n${startOutput}`);
    assert.match(row, new RegExp(`3/3.*${cluster.name}-\\d`));
  }
  assert.match(startOutput, new RegExp(`Thanos query +http://127\\.0\\.0\\.1:${port(1)}`));
  assert.match(startOutput, new RegExp(`Thanos rule +http://127\\.0\\.0\\.1:${port(6)}`));
  assert.match(startOutput, new RegExp(`Alertmanager +http://127\\.0\\.0\\.1:${port(5)}`));
  assert.match(startOutput, new RegExp(`API server of sh +https://127\\.0\\.0\\.1:${port(200)}`));
  assert.match(startOutput, /Grafana +none/);
});

test('every process runs and is healthy', async () => {
  assert.deepEqual(await notHealthy(), []);
  const { exitCode, output } = await lab.running.run('status');
  assert.equal(exitCode, 0);
  const ports = `client ${port(140)}, peer ${port(141)}, metrics ${port(142)}`;
  assert.match(output, new RegExp(`gz-etcd-small-0 +running +\\d+ +\\S+ +ok +${ports}`));
});

test('a second start leaves running processes alone', async () => {
  const before = pids(await labStatus(lab.running.lab));
  const { exitCode } = await lab.running.run();
  assert.equal(exitCode, 0);
  assert.deepEqual(pids(await labStatus(lab.running.lab)), before);
});

test('a second start brings back what has crashed', async () => {
  const { pid } = readRecord(lab.running.lab, 'traffic')!;
  process.kill(pid, 'SIGKILL');
  await until(async () => (await rowOf('traffic')).state === 'down');
  assert.equal((await lab.running.run()).exitCode, 0);
  assert.equal((await rowOf('traffic')).health, 'ok');
});

test('another lab on the same ports is told which, for what, and what to do', async (t) => {
  const other = { ...options, dir: path.join(temporaryDir(t), 'other') };
  const { exitCode, output } = await labCommand(other, []);
  assert.equal(exitCode, 1);
  assert.match(output, new RegExp(`port ${port(100)}, which gz-etcd-apiserver needs for https`));
  assert.match(output, /LAB_PORT_BASE=23000 npm run lab/);
  assert.deepEqual(processesOf({ ...lab.running.lab, dir: other.dir }), []);
});

test('a killed member stays down until the fault is healed', async () => {
  await inject('kill-member', 'sh-etcd-small', '1');
  assert.equal((await rowOf('sh-etcd-small-1')).state, 'down');
  const { output } = await lab.running.run();
  assert.match(output, /The fault kill-member sh-etcd-small-1 is active/);
  assert.equal((await rowOf('sh-etcd-small-1')).state, 'down');
  assert.match((await lab.running.run('status')).output, /Active fault: kill-member sh-etcd-small-1/);

  const again = await lab.running.run('fault', 'pause-member', 'sh-etcd-small', '1');
  assert.equal(again.exitCode, 1);
  assert.match(again.output, /kill-member sh-etcd-small-1 is active there already/);
  await heal('kill-member', 'sh-etcd-small-1');
});

for (const { fault, args, process, state } of [
  { fault: 'pause-member', args: ['gz-etcd-large', '2'], process: 'gz-etcd-large-2', state: 'paused' },
  { fault: 'stop-api', args: ['sh'], process: 'sh-etcd-apiserver', state: 'down' },
  { fault: 'pause-api', args: [], process: 'gz-etcd-apiserver', state: 'paused' },
  { fault: 'stop-thanos', args: [], process: 'thanos-query', state: 'down' },
  { fault: 'stop-sidecar', args: ['sh'], process: 'sh-thanos-sidecar', state: 'down' },
  { fault: 'stop-cruiser', args: ['gz'], process: 'gz-cruiser', state: 'down' },
]) {
  test(`${fault} leaves ${process} ${state}, and heal brings it back`, async () => {
    await inject(fault, ...args);
    assert.equal((await rowOf(process)).state, state);
    await heal(fault);
  });
}

test('a corrupted member fails the inspection of its cluster until it is replaced', async () => {
  const cluster = 'gz-etcd-large';
  await inject('corrupt', cluster);
  await until(async () => (await inspection(cluster)).outcome === 'Failed');
  assert.match((await inspection(cluster)).message, /nodeKeyDiff is [1-9]/);
  await heal('corrupt');
  await until(async () => (await inspection(cluster)).outcome === 'Passed');
});

test('what does not exist is refused with what does', async () => {
  for (const [args, message] of [
    [['fault', 'earthquake'], /There is no fault earthquake[^]*Use one of: corrupt, change-values/],
    [['fault', 'kill-member', 'gz-etcd-x'], /There is no cluster gz-etcd-x/],
    [['heal'], /No fault is active/],
    [['logs', 'nothing'], /There is no process nothing/],
    [['start'], /There is no command start/],
  ] as const) {
    const { exitCode, output } = await lab.running.run(...args);
    assert.equal(exitCode, 1);
    assert.match(output, message);
  }
});

test('logs prints the end of a log', async () => {
  assert.match((await lab.running.run('logs', 'gz-etcd-apiserver')).output, /etcdmonitors\.etcd\.cloud\.tencent\.com/);
});

test('a stop leaves no process, not even paused ones, and the faults of processes are over', async () => {
  await inject('pause-member');
  await lab.running.stop();
  assert.match((await lab.running.run('stop')).output, /Nothing was running/);
  assert.doesNotMatch((await lab.running.run('status')).output, /Active fault/);
});

test('a start that is interrupted ends what it had started', async () => {
  const interrupt = new AbortController();
  const starting = labCommand(
    { ...options, onOutput: (text) => text.includes('is ready') && interrupt.abort() },
    ['up'],
    interrupt.signal
  );
  const { output } = await starting;
  assert.match(output, /Interrupted: stopping what was started/);
  assert.deepEqual(processesOf(lab.running.lab), []);
});

async function inject(...args: string[]): Promise<void> {
  const { exitCode, output } = await lab.running.run('fault', ...args);
  assert.equal(exitCode, 0, output);
  assert.match(output, new RegExp(`${args[0]}.* is active`));
}

async function heal(...args: string[]): Promise<void> {
  const { exitCode, output } = await lab.running.run('heal', ...args);
  assert.equal(exitCode, 0, output);
  await until(async () => (await notHealthy()).length === 0);
}

async function notHealthy(): Promise<string[]> {
  const rows = await labStatus(lab.running.lab);
  return rows.filter(({ health }) => health !== 'ok').map(({ name, state, health }) => `${name} ${state} ${health}`);
}

async function rowOf(name: string): Promise<StatusRow> {
  return (await labStatus(lab.running.lab)).find((row) => row.name === name)!;
}

const pids = (rows: StatusRow[]) => Object.fromEntries(rows.map(({ name, pid }) => [name, pid]));

async function inspection(cluster: string): Promise<{ outcome: string; message: string }> {
  const region = lab.running.lab.plan.regions.find(({ name }) => cluster.startsWith(`${name}-`))!;
  const { status } = await getObject<{ status: { outcome: string; records: Array<{ message: string }> } }>(
    kubernetesServer(lab.running.lab, region),
    `/apis/etcd.cloud.tencent.com/v1beta1/namespaces/${region.name}/etcdmonitors/${cluster}-etcd-node-key-diff`
  );
  return { outcome: status.outcome, message: status.records.at(-1)?.message ?? '' };
}

/** Waits as long as a busy machine may need. */
async function until(holds: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + 180_000;
  while (!(await holds())) {
    assert.ok(Date.now() < deadline, 'waited three minutes');
    await sleep(500);
  }
}
