import assert from 'node:assert/strict';
import { type AddressInfo, createServer } from 'node:net';
import { test } from 'node:test';

import { describeFailure } from '../failure.ts';
import { openLab } from '../lab.ts';
import { portsTaken, requireFreePorts } from './ports.ts';

const lab = openLab({});

test('a taken port is reported with the process that needs it and the remedy', async (t) => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => server.close());
  const { port } = server.address() as AddressInfo;

  await assert.rejects(requireFreePorts(lab, [{ name: 'gz-prometheus', ports: { http: port } }]), {
    message: `Another program listens on 127.0.0.1 already:\n  port ${port}, which gz-prometheus needs for http`,
    remedy: 'Stop that program, or move the lab: LAB_PORT_BASE=24000 npm run lab (it takes 300 ports from there on).',
  });
});

test('free ports are no failure', async () => {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  await requireFreePorts(lab, [{ name: 'traffic', ports: { http: port } }]);
});

test('a long list of taken ports is shortened', () => {
  const wanted = (port: number) => ({ service: 'etcd', purpose: 'client', port });
  const { message } = portsTaken(lab, [1, 2, 3, 4, 5, 6, 7].map(wanted));
  assert.match(message, /port 5, which etcd needs for client\n  and 2 more ports: it may be another lab$/);
});

test('every taken port is named, and the remedy for a moved lab is another base', () => {
  const failure = portsTaken(openLab({ LAB_PORT_BASE: '24000' }), [
    { service: 'grafana', purpose: 'http', port: 24000 },
    { service: 'thanos-query', purpose: 'grpc', port: 24002 },
  ]);
  const text = describeFailure(failure);
  assert.match(text, /port 24000, which grafana needs for http\n  port 24002, which thanos-query needs for grpc/);
  assert.match(text, /→ .*LAB_PORT_BASE=23000/);
});
