// PromQL as Prometheus' own grammar reads it. Not for the browser's bundle, which the parser would enlarge.
import type { SyntaxNode } from '@lezer/common';
import { parser } from '@prometheus-io/lezer-promql';

/** A node of an expression's syntax tree, with its text. The grammar's names: AggregateExpr, VectorSelector, … */
export class PromqlNode {
  constructor(
    private readonly node: SyntaxNode,
    private readonly source: string
  ) {}

  get name(): string {
    return this.node.name;
  }

  get from(): number {
    return this.node.from;
  }

  get to(): number {
    return this.node.to;
  }

  get text(): string {
    return this.source.slice(this.from, this.to);
  }

  get children(): PromqlNode[] {
    const children: PromqlNode[] = [];
    for (let child = this.node.firstChild; child; child = child.nextSibling) {
      children.push(new PromqlNode(child, this.source));
    }
    return children;
  }

  child(name: string): PromqlNode | undefined {
    return this.children.find((child) => child.name === name);
  }

  /** The outermost nodes of this name. */
  all(name: string): PromqlNode[] {
    return this.children.flatMap((child) => (child.name === name ? [child] : child.all(name)));
  }

  get isValid(): boolean {
    return !this.node.type.isError && this.children.every((child) => child.isValid);
  }
}

/** The tree of a text, which may have errors: then it holds what could be read. */
export const promqlTree = (text: string) => new PromqlNode(parser.parse(text).topNode, text);

/** The one expression that a text is, or undefined when Prometheus would refuse it. */
export function parsePromql(text: string): PromqlNode | undefined {
  const tree = promqlTree(text);
  return tree.isValid ? tree.children[0] : undefined;
}
