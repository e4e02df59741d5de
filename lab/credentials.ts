import { randomBytes } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';

import { type CertificateFiles, type CertificateRequest, openAuthority, serviceAccountKey } from './certificates.ts';
import { kubeconfig } from './kubernetes/kubeconfig.ts';
import type { ClientTls } from './kubernetes/objects.ts';
import { type Lab, etcFile } from './lab.ts';
import type { PlannedCluster, PlannedRegion } from './plan.ts';
import { writePrivateFile } from './private-file.ts';

/** The accounts of a region's API server and their groups. RBAC defines what each account may do. */
const accountGroups = {
  'etcdfleet-datasource': '',
  'etcdfleet-cruiser': '',
  'etcdfleet-operator': '',
  'lab-admin': 'system:masters',
  // The Kubernetes group that may read /metrics.
  prometheus: 'system:monitoring',
} as const;

export type Account = keyof typeof accountGroups;

/** The host names of a server: those in its URLs, and the loopback names. */
const hostsOf = (...urls: string[]) => [
  ...new Set([...urls.map((url) => new URL(url).hostname), '127.0.0.1', 'localhost']),
];

export const authorityFile = (lab: Lab) => tls(lab, 'ca').certificate;
export const apiServerCertificate = (lab: Lab, region: PlannedRegion) => tls(lab, `${region.name}-etcd-apiserver`);
export const clusterCertificate = (lab: Lab, cluster: PlannedCluster) => tls(lab, cluster.name);
export const clientCertificate = (lab: Lab, cluster: PlannedCluster) => tls(lab, `${cluster.name}-client`);
export const tokensFile = (lab: Lab, region: PlannedRegion) => etcFile(lab, region.name, 'tokens.csv');
export const serviceAccountKeyFile = (lab: Lab, region: PlannedRegion) =>
  etcFile(lab, region.name, 'service-account.key');
export const kubeconfigFile = (lab: Lab, region: PlannedRegion, account: Account) =>
  etcFile(lab, region.name, `${account}.kubeconfig`);

/** Creates the certificates, tokens, keys and kubeconfigs that do not exist yet. */
export async function createCredentials(lab: Lab): Promise<void> {
  const authority = await openAuthority(etcFile(lab, 'tls'));
  for (const region of lab.plan.regions) {
    const { name } = region;
    await authority.issue(`${name}-etcd-apiserver`, {
      commonName: 'kube-apiserver',
      hosts: hostsOf(region.apiServerURL),
    });
    for (const cluster of region.clusters.filter((candidate) => candidate.tls)) {
      await authority.issue(cluster.name, serverCertificateOf(cluster));
      await authority.issue(`${cluster.name}-client`, { commonName: 'etcdfleet', hosts: [] });
    }
    serviceAccountKey(serviceAccountKeyFile(lab, region));
    createTokens(tokensFile(lab, region));
    for (const account of Object.keys(accountGroups) as Account[]) {
      writePrivateFile(
        kubeconfigFile(lab, region, account),
        kubeconfig({
          name: `etcdfleet-${name}`,
          server: region.apiServerURL,
          namespace: name,
          certificateAuthority: readFileSync(authority.certificateFile, 'utf8'),
          user: account,
          token: tokenOf(lab, region, account),
        })
      );
    }
  }
}

/** Replaces the certificate that the cluster's members serve. Without a number of days it has the default lifetime. */
export async function renewClusterCertificate(lab: Lab, cluster: PlannedCluster, days?: number): Promise<void> {
  const authority = await openAuthority(etcFile(lab, 'tls'));
  await authority.renew(cluster.name, serverCertificateOf(cluster), days);
}

const serverCertificateOf = ({ name, members }: PlannedCluster): CertificateRequest => ({
  commonName: name,
  hosts: hostsOf(...members.map(({ clientURL }) => clientURL)),
});

export function tokenOf(lab: Lab, region: PlannedRegion, account: Account): string {
  const line = readFileSync(tokensFile(lab, region), 'utf8')
    .split('\n')
    .find((candidate) => candidate.split(',')[1] === account);
  if (!line) {
    throw new Error(`no token of ${account} in ${tokensFile(lab, region)}`);
  }
  return line.split(',')[0];
}

/** The TLS files that a client of the cluster's members needs, or undefined for plain HTTP. */
export function etcdClientTls(lab: Lab, cluster: PlannedCluster): ClientTls | undefined {
  if (!cluster.tls) {
    return undefined;
  }
  const { certificate, key } = clientCertificate(lab, cluster);
  return {
    ca: readFileSync(authorityFile(lab), 'utf8'),
    cert: readFileSync(certificate, 'utf8'),
    key: readFileSync(key, 'utf8'),
  };
}

/** Writes a static token file for kube-apiserver: token, user, uid, groups. */
function createTokens(file: string): void {
  const present = existsSync(file) ? readFileSync(file, 'utf8').trimEnd().split('\n') : [];
  const missing = Object.entries(accountGroups)
    .filter(([account]) => !present.some((line) => line.split(',')[1] === account))
    .map(([account, groups]) => `${randomBytes(24).toString('hex')},${account},${account},"${groups}"`);
  if (missing.length > 0) {
    writePrivateFile(file, `${[...present, ...missing].join('\n')}\n`);
  }
}

const tls = (lab: Lab, name: string): CertificateFiles => ({
  certificate: etcFile(lab, 'tls', `${name}.crt`),
  key: etcFile(lab, 'tls', `${name}.key`),
});
