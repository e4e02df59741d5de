import { setTimeout as sleep } from 'node:timers/promises';

import { http, httpOk } from '../http.ts';

export interface KubernetesObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace?: string; labels?: Record<string, string> };
  [field: string]: unknown;
}

export interface KubernetesServer {
  url: string;
  /** PEM. */
  ca: string;
  token: string;
}

const establishSeconds = 30;

/**
 * Applies the objects one at a time by server-side apply, as the field manager `lab`. It waits for kinds whose
 * definition is among the objects.
 */
export async function applyObjects(
  server: KubernetesServer,
  objects: KubernetesObject[],
  signal?: AbortSignal
): Promise<void> {
  for (const object of objects) {
    const deadline = Date.now() + establishSeconds * 1000;
    let problem = await apply(server, object);
    while (problem) {
      if (Date.now() > deadline) {
        throw new Error(`applying ${object.kind} ${object.metadata.name}: ${problem}`);
      }
      await sleep(200, undefined, { signal });
      problem = await apply(server, object);
    }
  }
}

/** Deletes the object. It is no error if it does not exist. */
export async function deleteObject(server: KubernetesServer, object: KubernetesObject): Promise<void> {
  const path = await pathOf(server, object);
  const answer = await http(`${server.url}${path}`, {
    method: 'DELETE',
    headers: authorization(server),
    ca: server.ca,
  });
  if (answer.status >= 300 && answer.status !== 404) {
    throw new Error(`deleting ${object.kind} ${object.metadata.name}: ${answer.status}: ${answer.body.slice(0, 500)}`);
  }
}

/** Returns the JSON at a path of the API. */
export async function getObject<T>(server: KubernetesServer, path: string): Promise<T> {
  return JSON.parse(await httpOk(server.url + path, { ca: server.ca, headers: authorization(server) })) as T;
}

/** Returns a temporary problem, or undefined. Throws if the problem is permanent. */
async function apply(server: KubernetesServer, object: KubernetesObject): Promise<string | undefined> {
  const path = await pathOf(server, object);
  if (!path) {
    return `the server does not serve the kind ${object.kind} in ${object.apiVersion}`;
  }
  const answer = await http(`${server.url}${path}?fieldManager=lab&force=true`, {
    method: 'PATCH',
    headers: { ...authorization(server), 'content-type': 'application/apply-patch+yaml' },
    body: JSON.stringify(object),
    ca: server.ca,
  });
  if (answer.status < 300) {
    return undefined;
  }
  const problem = `${answer.status}: ${answer.body.slice(0, 500)}`;
  if (answer.status === 404 || answer.status === 429 || answer.status >= 500) {
    return problem;
  }
  throw new Error(`applying ${object.kind} ${object.metadata.name}: ${problem}`);
}

/** Returns the object's path, from the server's list of resources, or undefined while the kind is not served. */
async function pathOf(server: KubernetesServer, object: KubernetesObject): Promise<string | undefined> {
  const base = object.apiVersion.includes('/') ? `/apis/${object.apiVersion}` : `/api/${object.apiVersion}`;
  const answer = await http(server.url + base, { ca: server.ca, headers: authorization(server) });
  if (answer.status !== 200) {
    return undefined;
  }
  const { resources } = JSON.parse(answer.body) as {
    resources: Array<{ name: string; kind: string; namespaced: boolean }>;
  };
  const resource = resources.find(({ kind, name }) => kind === object.kind && !name.includes('/'));
  if (!resource) {
    return undefined;
  }
  const namespace = resource.namespaced ? `/namespaces/${object.metadata.namespace}` : '';
  return `${base}${namespace}/${resource.name}/${object.metadata.name}`;
}

const authorization = (server: KubernetesServer) => ({ authorization: `Bearer ${server.token}` });
