import { readFileSync } from 'node:fs';

import { apiServerCertificate, authorityFile, serviceAccountKeyFile, tokenOf, tokensFile } from '../credentials.ts';
import { httpOk } from '../http.ts';
import type { KubernetesServer } from '../kubernetes/client.ts';
import { type Lab, dataDir, program } from '../lab.ts';
import type { PlannedRegion } from '../plan.ts';
import type { Service } from '../supervisor/service.ts';

/** The Kubernetes API of a region's EtcdClusters and EtcdMonitors, on an etcd of its own. */
export function etcdApiserver(lab: Lab, region: PlannedRegion): Service[] {
  const store = storeOf(lab, region);
  const name = apiserverNameOf(region.name);
  const apiserver: Service = {
    name,
    needs: [store.name],
    command: program(lab, 'kube-apiserver'),
    args: [
      `--etcd-servers=http://127.0.0.1:${region.ports.storeClient}`,
      ...apiserverArguments(lab, region, region.ports.apiServer),
    ],
    ports: { https: region.ports.apiServer },
    readySeconds: 120, // everything else starts at the same time
    probe: () => apiserverReady(kubernetesServer(lab, region)),
  };
  return [store, apiserver];
}

/** The arguments that all API servers of a region share, without their storage. */
export function apiserverArguments(lab: Lab, region: PlannedRegion, port: number): string[] {
  const { certificate, key } = apiServerCertificate(lab, region);
  const serviceAccountKey = serviceAccountKeyFile(lab, region);
  return [
    '--bind-address=127.0.0.1',
    `--secure-port=${port}`,
    `--tls-cert-file=${certificate}`,
    `--tls-private-key-file=${key}`,
    `--client-ca-file=${authorityFile(lab)}`,
    `--token-auth-file=${tokensFile(lab, region)}`,
    '--authorization-mode=RBAC',
    `--service-account-issuer=https://127.0.0.1:${port}`,
    `--service-account-key-file=${serviceAccountKey}`,
    `--service-account-signing-key-file=${serviceAccountKey}`,
    '--service-cluster-ip-range=10.0.0.0/24',
    // No pod uses the Service `kubernetes` here, and a loopback address is not a valid endpoint of it.
    '--endpoint-reconciler-type=none',
  ];
}

export const apiserverReady = ({ url, ca, token }: KubernetesServer) =>
  httpOk(`${url}/readyz`, { ca, headers: { authorization: `Bearer ${token}` } });

export const apiserverNameOf = (region: string) => `${region}-etcd-apiserver`;

/** The region's API server as its administrator reaches it. */
export function kubernetesServer(lab: Lab, region: PlannedRegion): KubernetesServer {
  return {
    url: region.apiServerURL,
    ca: readFileSync(authorityFile(lab), 'utf8'),
    token: tokenOf(lab, region, 'lab-admin'),
  };
}

function storeOf(lab: Lab, region: PlannedRegion): Service {
  const name = `${region.name}-etcd-apiserver-store`;
  const clientURL = `http://127.0.0.1:${region.ports.storeClient}`;
  const peerURL = `http://127.0.0.1:${region.ports.storePeer}`;
  return {
    name,
    needs: [],
    command: program(lab, 'etcd'),
    args: [
      `--name=${name}`,
      `--data-dir=${dataDir(lab, name)}`,
      `--listen-client-urls=${clientURL}`,
      `--advertise-client-urls=${clientURL}`,
      `--listen-peer-urls=${peerURL}`,
      `--initial-advertise-peer-urls=${peerURL}`,
      `--initial-cluster=${name}=${peerURL}`,
      '--log-level=warn',
    ],
    ports: { client: region.ports.storeClient, peer: region.ports.storePeer },
    probe: () => httpOk(`${clientURL}/health`),
  };
}
