import type { GraphNode } from './graph.ts';

/**
 * Returns the nodes to start: those that do not run yet, with their needs reduced to nodes that are started too. Nodes
 * that a fault holds, and those that need one of them, are left as they are.
 */
export function startPlan<N extends GraphNode>(
  nodes: N[],
  { running, held }: { running: ReadonlySet<string>; held: ReadonlySet<string> }
): N[] {
  const blocked = new Set(held);
  for (;;) {
    const more = nodes.filter(({ name, needs }) => !blocked.has(name) && needs.some((need) => blocked.has(need)));
    if (more.length === 0) {
      break;
    }
    more.forEach(({ name }) => blocked.add(name));
  }
  return nodes
    .filter(({ name }) => !blocked.has(name) && !running.has(name))
    .map((node) => ({ ...node, needs: node.needs.filter((need) => !running.has(need)) }));
}
