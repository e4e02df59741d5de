import { readFileSync } from 'node:fs';
import { glob } from 'glob';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';

import type { PlannedCluster, PlannedRegion } from '../plan.ts';
import { etcdVersion, membersPerCluster } from '../topology.ts';
import type { KubernetesObject } from './client.ts';

export const apiVersion = 'etcd.cloud.tencent.com/v1beta1';

/** The label of the Secrets that cruiser reads. */
const credentialsLabel = 'etcd.cloud.tencent.com/credentials';

/** The client certificate of a cluster, in PEM. */
export interface ClientTls {
  ca: string;
  cert: string;
  key: string;
}

/** The definitions, accounts and roles of deploy/, in the order in which they must be applied. */
export async function deployedObjects(root: string): Promise<KubernetesObject[]> {
  return [...(await objectsIn(root, 'deploy/crds')), ...(await objectsIn(root, 'deploy/rbac'))];
}

/** The roles of cruiser and the operator, as `kubectl --namespace <region> apply` creates them for the region. */
export async function namespaceRoles(root: string, region: PlannedRegion): Promise<KubernetesObject[]> {
  const roles = await objectsIn(root, 'deploy/rbac/namespace');
  return roles.map((object) => ({ ...object, metadata: { ...object.metadata, namespace: region.name } }));
}

async function objectsIn(root: string, folder: string): Promise<KubernetesObject[]> {
  const files = (await glob(`${folder}/*.yaml`, { cwd: root })).sort();
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

/** The objects that onboard a cluster: its credentials, and the cluster itself. */
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
      members: cluster.members.map(({ name, clientURL, metricsURL, host, zone }) => ({
        ...{ name, clientURL, metricsURL, host, zone },
      })),
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
    metadata: { name: secretName(cluster), namespace: cluster.region, labels: { [credentialsLabel]: 'true' } },
    data: { 'ca.crt': base64(tls.ca), 'tls.crt': base64(tls.cert), 'tls.key': base64(tls.key) },
  };
}

const secretName = (cluster: PlannedCluster) => `${cluster.name}-client`;
const base64 = (text: string) => Buffer.from(text).toString('base64');
