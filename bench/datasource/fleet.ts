// The fleet that the datasource shows: its clusters with their places, and the faults of one region.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parseAllDocuments } from 'yaml';
import type { Model } from '../../slo/model/model.ts';
import { fleetOf, type ClusterLabels } from '../slo/fleet.ts';

/** The region whose clusters have faults, and of which all series of a region's Prometheus exist. */
export const faultyRegion = 'gz';

/** Members of a cluster. The first one leads. */
export const members = ['m0', 'm1', 'm2'];

/** Clusters on a host; one member each. */
const clustersOnHost = 25;
const zones = 3;

export type Fault = 'quorum-lost' | 'member-down' | 'slow-disk';

export interface Cluster {
  labels: ClusterLabels;
  members: Array<{ name: string; host: string; zone: string }>;
  kubernetes: string[];
  fault?: Fault;
}

/** One inspection of a cluster. */
export interface Check {
  name: string;
  interval: string;
}

export interface Fleet {
  clusters: Cluster[];
  /** The shipped policies' checks, by the class of the cluster. */
  checks: Record<string, Check[]>;
  /** All clusters with a member on it have slow disks there. */
  slowHost: string;
}

export function datasourceFleet(count: number, model: Model): Fleet {
  const labels = fleetOf(count, members.length, 0, model).clusters;
  const inRegion = new Map<string, number>();
  const hostsInZone = Math.max(10, Math.round(count / 8 / clustersOnHost));
  const clusters = labels.map((of): Cluster => {
    const index = inRegion.get(of.region) ?? 0;
    inRegion.set(of.region, index + 1);
    return {
      labels: of,
      members: members.map((name, member) => ({
        name,
        // Clusters that share one host share the others rarely.
        host: hostName(
          of.region,
          member,
          (index * (member + 1) + Math.floor(index / hostsInZone) * member) % hostsInZone
        ),
        zone: `${of.region}-${(member % zones) + 1}`,
      })),
      kubernetes: [`cls-${of.cluster}`],
    };
  });
  const slowHost = hostName(faultyRegion, 1, 0);
  breakSome(
    clusters.filter((cluster) => cluster.labels.region === faultyRegion),
    slowHost,
    count
  );
  return { clusters, checks: shippedChecks(), slowHost };
}

const hostName = (region: string, zone: number, number: number) => `${region}-${zone + 1}-node-${number}`;

/** 60 of 10,000 clusters are hurt: those on the slow host, and of the others some by a member or a quorum that is lost. */
function breakSome(clusters: Cluster[], slowHost: string, count: number) {
  const onSlowHost = clusters.filter((cluster) => cluster.members.some(({ host }) => host === slowHost));
  onSlowHost.forEach((cluster) => (cluster.fault = 'slow-disk'));
  const others = Math.max(4, Math.round(count * 0.006) - onSlowHost.length);
  clusters
    .filter(({ fault }) => !fault)
    .slice(0, others)
    .forEach((cluster, index) => (cluster.fault = index % 5 < 2 ? 'quorum-lost' : 'member-down'));
}

/** Returns the checks that the shipped policies enable for each class. */
function shippedChecks(): Record<string, Check[]> {
  const file = path.resolve(import.meta.dirname, '../../deploy/inspections/default-policies.yaml');
  const policies = parseAllDocuments(readFileSync(file, 'utf8')).map((document) => document.toJS() as Policy);
  return Object.fromEntries(
    policies.flatMap(({ spec }) =>
      spec.specifications.map((name) => [name, spec.checks.filter(({ disabled }) => !disabled)] as const)
    )
  );
}

interface Policy {
  spec: { specifications: string[]; checks: Array<Check & { disabled?: boolean }> };
}
