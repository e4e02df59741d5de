import type { Plan } from '../plan.ts';

/** The lab's plan with the addresses of docker-compose.yaml: every service has its own host name and default port. */
export function composePlan(plan: Plan): Plan {
  return {
    ...plan,
    thanosURL: 'http://thanos-query:10902',
    regions: plan.regions.map((region) => ({
      ...region,
      apiServerURL: `https://${region.name}-etcd-apiserver:6443`,
      clusters: region.clusters.map((cluster) => ({
        ...cluster,
        kubernetes: undefined, // in the lab only
        members: cluster.members.map((member) => {
          const scheme = cluster.tls ? 'https' : 'http';
          return {
            ...member,
            clientURL: `${scheme}://${member.name}:2379`,
            peerURL: `${scheme}://${member.name}:2380`,
            metricsURL: `http://${member.name}:2381`,
          };
        }),
      })),
    })),
  };
}
