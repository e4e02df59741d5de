import assert from 'node:assert/strict';
import { test } from 'node:test';

import { openLab } from '../lab.ts';
import { clusterObjects, deployedObjects } from './objects.ts';

const lab = openLab({});
const [plain, , secured] = lab.plan.regions[0].clusters;

test('a cluster is onboarded by itself and its inspection', () => {
  assert.deepEqual(
    clusterObjects(plain).map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name]),
    [
      ['EtcdCluster', 'gz', 'gz-etcd-small'],
      ['EtcdMonitor', 'gz', 'gz-etcd-small-etcd-node-key-diff'],
    ]
  );
});

test('a cluster with TLS refers to the Secret that comes before it', () => {
  const [secret, cluster] = clusterObjects(secured, { ca: 'CA', cert: 'CERT', key: 'KEY' });
  assert.equal(secret.kind, 'Secret');
  assert.deepEqual(secret.data, { 'ca.crt': 'Q0E=', 'tls.crt': 'Q0VSVA==', 'tls.key': 'S0VZ' });
  assert.deepEqual((cluster.spec as { tls: unknown }).tls, { secretName: secret.metadata.name });
});

test('definitions are deployed before roles', async () => {
  const kinds = (await deployedObjects(lab.root)).map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(0, 2), ['CustomResourceDefinition', 'CustomResourceDefinition']);
  assert.ok(kinds.includes('ClusterRole'));
});
