import { readFileSync } from 'node:fs';
import { glob } from 'glob';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';

import type { PlannedCluster, PlannedRegion } from '../plan.ts';
import { etcdVersion, membersPerCluster } from '../topology.ts';
import type { KubernetesObject } from './client.ts';

export const apiVersion = 'etcd.cloud.tencent.com/v1beta1';

/** Client certificate of a cluster, PEM. */
export interface ClientTls {
  ca: string;
  cert: string;
  key: string;
}

/** The definitions and roles of deploy/, in the order in which they must be applied. */
export async function deployedObjects(root: string): Promise<KubernetesObject[]> {
  const files = [
    ...(await glob('deploy/crds/*.yaml', { cwd: root })).sort(),
    ...(await glob('deploy/rbac/*.yaml', { cwd: root })).sort(),
  ];
  return files.flatMap((file) =>
    parseAllDocuments(readFileSync(path.join(root, file), 'utf8'))
      .map((document) => document.toJS() as KubernetesObject | null)
      .filter((object) => object !== null)
  );
}

export const namespaceOf = (region: PlannedRegion): KubernetesObject => ({
  apiVersion: 'v1',
  kind: 'Namespace',
  metadata: { name: region.name },
});

/** The objects that onboard a cluster: how to reach it, and the cluster itself. */
export function clusterObjects(cluster: PlannedCluster, tls?: ClientTls): KubernetesObject[] {
  return tls ? [clientSecret(cluster, tls), etcdCluster(cluster)] : [etcdCluster(cluster)];
}

function etcdCluster(cluster: PlannedCluster): KubernetesObject {
  return {
    apiVersion,
    kind: 'EtcdCluster',
    metadata: { name: cluster.name, namespace: cluster.region },
    spec: {
      clusterId: cluster.name,
      region: cluster.region,
      productName: cluster.product,
      scene: cluster.scene,
      specification: cluster.specification,
      size: membersPerCluster,
      version: etcdVersion,
      members: cluster.members.map(({ name, clientURL, metricsURL, host }) => ({ name, clientURL, metricsURL, host })),
      ...(cluster.kubernetes ? { kubernetesClusters: [cluster.kubernetes.name] } : {}),
      ...(cluster.tls ? { tls: { secretName: secretName(cluster) } } : {}),
    },
  };
}

function clientSecret(cluster: PlannedCluster, tls: ClientTls): KubernetesObject {
  return {
    apiVersion: 'v1',
    kind: 'Secret',
    type: 'kubernetes.io/tls',
    metadata: { name: secretName(cluster), namespace: cluster.region },
    data: { 'ca.crt': base64(tls.ca), 'tls.crt': base64(tls.cert), 'tls.key': base64(tls.key) },
  };
}

const secretName = (cluster: PlannedCluster) => `${cluster.name}-client`;
const base64 = (text: string) => Buffer.from(text).toString('base64');
