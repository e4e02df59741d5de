import assert from 'node:assert/strict';
import { test } from 'node:test';

import { stopOrder } from './stop.ts';

test('etcd members stop last, those of a cluster one by one', () => {
  const record = (name: string, program: string) => ({
    name,
    command: [`/bin/${program}`],
    pid: 1,
    build: '',
    startedAt: '',
  });
  const waves = stopOrder([
    record('gz-etcd-small-0', 'etcd'),
    record('gz-etcd-apiserver', 'kube-apiserver'),
    record('gz-etcd-small-1', 'etcd'),
    record('gz-etcd-apiserver-store', 'etcd'),
    record('grafana', 'grafana'),
  ]);
  assert.deepEqual(
    waves.map((wave) => wave.map((sequence) => sequence.map(({ name }) => name))),
    [
      [['gz-etcd-apiserver'], ['grafana']],
      [['gz-etcd-small-0', 'gz-etcd-small-1'], ['gz-etcd-apiserver-store']],
    ]
  );
});
