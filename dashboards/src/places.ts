// Hosts and zones of members. Series of etcd do not carry them: etcdfleet_member_info of the operator does.

/** An expression by region, cluster and member, of the members on the wanted hosts and zones, with these as labels. */
export const onPlaces = (expr: string, where: string) =>
  `${expr} * on (region, cluster, member) group_left (host, zone) max by (region, cluster, member, host, zone) (etcdfleet_member_info{${where}})`;

/** The largest value of the members on each host, of the ten hosts where it is largest. */
export const worstHosts = (expr: string, where: string) => `topk(10, max by (region, host) (${onPlaces(expr, where)}))`;
