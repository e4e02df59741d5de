import { setMaxListeners } from 'node:events';

export interface GraphNode {
  name: string;
  needs: string[];
}

/**
 * Runs every node as soon as those that it needs have finished. Independent nodes run in parallel. After the first
 * failure, or when `stop` fires, no more nodes start and the signal of the running ones is aborted. When all have
 * finished, the first failure is thrown.
 */
export async function runGraph<N extends GraphNode>(
  nodes: N[],
  run: (node: N, signal: AbortSignal) => Promise<void>,
  stop = new AbortController().signal
): Promise<void> {
  const failing = new AbortController();
  const signal = AbortSignal.any([stop, failing.signal]);
  setMaxListeners(0, signal); // every running node listens
  const failures: unknown[] = [];
  const runs = new Map<string, Promise<void>>();

  for (const node of inOrder(nodes)) {
    const needed = node.needs.map((need) => runs.get(need)!);
    const ended = Promise.all(needed)
      .then(() => (signal.aborted ? undefined : run(node, signal)))
      .catch((error: unknown) => {
        failures.push(error);
        failing.abort();
      });
    runs.set(node.name, ended);
  }
  await Promise.all(runs.values());
  stop.throwIfAborted();
  if (failures.length > 0) {
    throw failures[0];
  }
}

/** Returns the nodes, each after those that it needs. */
function inOrder<N extends GraphNode>(nodes: N[]): N[] {
  const ordered: N[] = [];
  let waiting = nodes;
  while (waiting.length > 0) {
    const isOrdered = (name: string) => ordered.some((node) => node.name === name);
    const next = waiting.filter((node) => node.needs.every(isOrdered));
    if (next.length === 0) {
      const described = waiting.map((node) => `${node.name} needs ${node.needs.join(', ')}`);
      throw new Error(`circular or unknown needs: ${described.join('; ')}`);
    }
    ordered.push(...next);
    waiting = waiting.filter((node) => !next.includes(node));
  }
  return ordered;
}
