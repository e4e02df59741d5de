import { renewClusterCertificate } from '../credentials.ts';
import type { Fault } from './fault.ts';
import { clusterNamed, tlsClusterTarget } from './targets.ts';

/** Below the three days at which certificate-expiry is Failed. */
const days = 2;

export const expiringCertificate: Fault = {
  name: 'expiring-certificate',
  targets: '[cluster]',
  summary: `gives the members of a cluster with TLS a server certificate that expires in ${days} days`,
  effect: 'Within one interval the inspection certificate-expiry of the cluster is Failed.',
  outlivesStop: true,
  target: tlsClusterTarget,
  holds: () => [],
  // No restart is needed: etcd reads the certificate at every handshake.
  inject: (lab, cluster) => renewClusterCertificate(lab, clusterNamed(lab, cluster), days),
  heal: (lab, cluster) => renewClusterCertificate(lab, clusterNamed(lab, cluster)),
};
