import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { glob } from 'glob';
import path from 'node:path';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';

import { openLab } from '../lab.ts';
import { inspectionPolicy, labChecks } from './inspections.ts';
import { clusterObjects, deployedObjects, namespaceRoles } from './objects.ts';

const lab = openLab({});
const [plain, , secured] = lab.plan.regions[0].clusters;

test('a cluster is onboarded by one object', () => {
  assert.deepEqual(
    clusterObjects(plain).map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name]),
    [['EtcdCluster', 'gz', 'gz-etcd-small']]
  );
});

test('a cluster with TLS refers to the Secret that comes before it', () => {
  const [secret, cluster] = clusterObjects(secured, { ca: 'CA', cert: 'CERT', key: 'KEY' });
  assert.equal(secret.kind, 'Secret');
  assert.deepEqual(secret.metadata.labels, { 'etcd.cloud.tencent.com/credentials': 'true' });
  assert.deepEqual(secret.data, { 'ca.crt': 'Q0E=', 'tls.crt': 'Q0VSVA==', 'tls.key': 'S0VZ' });
  assert.deepEqual((cluster.spec as { tls: unknown }).tls, { secretName: secret.metadata.name });
});

test('a policy in the region’s namespace lists the inspections of its clusters', () => {
  const policy = inspectionPolicy(lab.plan.regions[1]);
  assert.equal(policy.metadata.namespace, 'sh');
  assert.deepEqual(policy.spec, { checks: labChecks });
});

test('the lab has every check of cruiser except the one that needs backups', async () => {
  const files = await glob('cruiser/checks/!(*_test).go', { cwd: lab.root });
  const checks = files
    .filter((file) => readFileSync(path.join(lab.root, file), 'utf8').includes('\tregister(Check{'))
    .map((file) => path.basename(file, '.go').replaceAll('_', '-'))
    .sort();
  assert.deepEqual(
    labChecks.map(({ name }) => name).sort(),
    checks.filter((name) => name !== 'backup-age')
  );
});

test('definitions are deployed before roles', async () => {
  const kinds = (await deployedObjects(lab.root)).map(({ kind }) => kind);
  assert.deepEqual(kinds.slice(0, 2), ['CustomResourceDefinition', 'CustomResourceDefinition']);
  assert.ok(kinds.includes('ClusterRole'));
});

test('cruiser and operator have their rights in the region’s namespace, and may not read Secrets elsewhere', async () => {
  const roles = await namespaceRoles(lab.root, lab.plan.regions[1]);
  assert.deepEqual(
    roles.map(({ kind, metadata }) => [kind, metadata.namespace, metadata.name]),
    ['cruiser', 'operator'].flatMap((program) => [
      ['Role', 'sh', `etcdfleet-${program}`],
      ['RoleBinding', 'sh', `etcdfleet-${program}`],
    ])
  );
  const everywhere = (await deployedObjects(lab.root)).filter(({ kind }) => kind === 'ClusterRole');
  assert.deepEqual(
    everywhere.map(({ metadata }) => metadata.name),
    ['etcdfleet-datasource']
  );
  assert.ok(!JSON.stringify(everywhere).includes('secrets'));
});

test('the roles for all namespaces allow the same as those for one namespace', async () => {
  for (const program of ['cruiser', 'operator']) {
    const rules = (folder: string) => {
      const text = readFileSync(path.join(lab.root, 'deploy/rbac', folder, `${program}.yaml`), 'utf8');
      const [role, binding] = parseAllDocuments(text).map((document) => document.toJS() as Record<string, unknown>);
      return { rules: role.rules, subjects: binding.subjects };
    };
    assert.deepEqual(rules('all-namespaces'), rules('namespace'));
  }
});
