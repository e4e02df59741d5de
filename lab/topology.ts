/**
 * The topology of the lab. Everything else (ports, processes, certificates, objects, targets, traffic) derives from it.
 */
export type Specification = 'small' | 'default' | 'large';

export interface ClusterTopology {
  specification: Specification;
  product: string;
  scene: string;
  /** Members serve HTTPS and require a client certificate. */
  tls: boolean;
  /** etcd's --metrics; extensive adds grpc_server_handling_seconds. */
  metrics: 'basic' | 'extensive';
  quotaBytes: number;
  /** The number of objects that the traffic keeps in the cluster. */
  objects: number;
  requestsPerSecond: number;
  /** A Kubernetes cluster whose API server stores its objects in this cluster. */
  kubernetesCluster?: string;
}

export interface RegionTopology {
  name: string;
  clusters: ClusterTopology[];
}

export const membersPerCluster = 3;
export const etcdVersion = '3.6.5';
export const grafanaVersion = '12.2.0';

const mebibyte = 1024 * 1024;

const small = {
  specification: 'small',
  tls: false,
  quotaBytes: 64 * mebibyte,
  objects: 300,
  requestsPerSecond: 4,
} as const;
const standard = {
  specification: 'default',
  tls: false,
  quotaBytes: 256 * mebibyte,
  objects: 1000,
  requestsPerSecond: 8,
} as const;
const large = {
  specification: 'large',
  tls: true,
  quotaBytes: 512 * mebibyte,
  objects: 2500,
  requestsPerSecond: 12,
} as const;

export const topology: RegionTopology[] = [
  {
    name: 'gz',
    clusters: [
      { ...small, product: 'eks', scene: 'serverless', metrics: 'extensive' },
      { ...standard, product: 'tke', scene: 'business', metrics: 'extensive', kubernetesCluster: 'gz-tke-1' },
      { ...large, product: 'tke', scene: 'big-customer', metrics: 'extensive' },
    ],
  },
  {
    name: 'sh',
    clusters: [
      { ...small, product: 'tke', scene: 'business', metrics: 'basic' },
      { ...standard, product: 'eks', scene: 'serverless', metrics: 'extensive' },
      { ...large, product: 'tke', scene: 'big-customer', metrics: 'extensive' },
    ],
  },
];
