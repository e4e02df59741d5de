import { type ClusterTopology, type RegionTopology, membersPerCluster } from './topology.ts';

/** The topology with names and addresses. It is computed without state, so that every command gets the same plan. */
export interface Plan {
  regions: PlannedRegion[];
  thanosURL: string;
  ports: {
    grafana: number;
    thanosHttp: number;
    thanosGrpc: number;
    traffic: number;
    fleet: number;
    alertmanager: number;
    ruleHttp: number;
    ruleGrpc: number;
  };
}

export interface PlannedRegion {
  /** Also the namespace of the region's objects. */
  name: string;
  clusters: PlannedCluster[];
  apiServerURL: string;
  ports: {
    apiServer: number;
    storeClient: number;
    storePeer: number;
    prometheus: number;
    sidecarHttp: number;
    sidecarGrpc: number;
    cruiserMetrics: number;
    cruiserHealth: number;
    operatorMetrics: number;
    operatorHealth: number;
    operatorTargets: number;
  };
}

export interface PlannedCluster extends ClusterTopology {
  name: string;
  region: string;
  members: PlannedMember[];
  /** The API server that stores its objects in this cluster, if there is one. */
  kubernetes?: PlannedKubernetes;
}

export interface PlannedKubernetes {
  name: string;
  port: number;
  url: string;
}

export interface PlannedMember {
  name: string;
  cluster: string;
  /** The simulated machine, shared with the other clusters of the region. */
  host: string;
  /** The simulated availability zone of the host. */
  zone: string;
  ports: { client: number; peer: number; metrics: number };
  clientURL: string;
  peerURL: string;
  metricsURL: string;
}

/** The number of ports per region. The first region's ports start at the base plus this number. */
export const portsPerRegion = 100;
const clusterOffset = 40;
const portsPerCluster = 10;
const maxClusters = (portsPerRegion - clusterOffset) / portsPerCluster;

export function planLab(topology: RegionTopology[], portBase: number): Plan {
  return {
    regions: topology.map((region, index) => planRegion(region, portBase + (index + 1) * portsPerRegion)),
    thanosURL: `http://127.0.0.1:${portBase + 1}`,
    ports: {
      grafana: portBase,
      thanosHttp: portBase + 1,
      thanosGrpc: portBase + 2,
      traffic: portBase + 3,
      fleet: portBase + 4,
      alertmanager: portBase + 5,
      ruleHttp: portBase + 6,
      ruleGrpc: portBase + 7,
    },
  };
}

export function allClusters(plan: Plan): PlannedCluster[] {
  return plan.regions.flatMap((region) => region.clusters);
}

function planRegion(region: RegionTopology, base: number): PlannedRegion {
  if (region.clusters.length > maxClusters) {
    throw new Error(`region ${region.name} has more than ${maxClusters} clusters: raise portsPerRegion in lab/plan.ts`);
  }
  return {
    name: region.name,
    clusters: region.clusters.map((cluster, index) =>
      planCluster(region.name, cluster, base + clusterOffset + index * portsPerCluster)
    ),
    apiServerURL: `https://127.0.0.1:${base}`,
    ports: {
      apiServer: base,
      storeClient: base + 1,
      storePeer: base + 2,
      prometheus: base + 10,
      sidecarHttp: base + 11,
      sidecarGrpc: base + 12,
      cruiserMetrics: base + 20,
      cruiserHealth: base + 21,
      operatorMetrics: base + 30,
      operatorHealth: base + 31,
      operatorTargets: base + 32,
    },
  };
}

function planCluster(region: string, cluster: ClusterTopology, base: number): PlannedCluster {
  const name = `${region}-etcd-${cluster.specification}`;
  const scheme = cluster.tls ? 'https' : 'http';
  const members = Array.from({ length: membersPerCluster }, (_, index) => {
    const [client, peer, metrics] = [base + index * 3, base + index * 3 + 1, base + index * 3 + 2];
    return {
      name: `${name}-${index}`,
      cluster: name,
      host: `${region}-node-${index}`,
      zone: `${region}-zone-${index}`,
      ports: { client, peer, metrics },
      clientURL: `${scheme}://127.0.0.1:${client}`,
      peerURL: `${scheme}://127.0.0.1:${peer}`,
      metricsURL: `http://127.0.0.1:${metrics}`,
    };
  });
  const port = base + portsPerCluster - 1; // the port that three members leave free
  const kubernetes = cluster.kubernetesCluster && {
    kubernetes: { name: cluster.kubernetesCluster, port, url: `https://127.0.0.1:${port}` },
  };
  return { ...cluster, name, region, members, ...kubernetes };
}
