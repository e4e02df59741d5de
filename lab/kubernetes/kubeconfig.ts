import { stringify } from 'yaml';

export interface KubeconfigOptions {
  /** The name of the cluster and of the context. */
  name: string;
  server: string;
  namespace: string;
  /** PEM. */
  certificateAuthority: string;
  user: string;
  token: string;
}

export function kubeconfig(options: KubeconfigOptions): string {
  const { name, server, namespace, user, token } = options;
  const authority = Buffer.from(options.certificateAuthority).toString('base64');
  return stringify(
    {
      apiVersion: 'v1',
      kind: 'Config',
      clusters: [{ name, cluster: { server, 'certificate-authority-data': authority } }],
      users: [{ name: user, user: { token } }],
      contexts: [{ name, context: { cluster: name, user, namespace } }],
      'current-context': name,
    },
    { lineWidth: 0 }
  );
}
