// A definition file as text, with the way from a field back to its line.
import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseAllDocuments,
  parseDocument,
  type Document,
  type Node,
} from 'yaml';
import type { Problem } from './problem.ts';

export type FieldPath = ReadonlyArray<string | number>;

export class Source {
  constructor(
    readonly file: string,
    text: string,
    private readonly lines = new LineCounter(),
    private readonly document: Document.Parsed = parseDocument(text, { lineCounter: lines })
  ) {}

  /** The sources of a text of several YAML documents, with --- between them. */
  static each(file: string, text: string): Source[] {
    const lines = new LineCounter();
    const documents = [...parseAllDocuments(text, { lineCounter: lines })];
    return documents.map((document) => new Source(file, text, lines, document));
  }

  /** Where the text is no YAML at all, or names a field twice. */
  syntaxProblems(): Problem[] {
    return this.document.errors.map((error) => ({
      file: this.file,
      line: this.lines.linePos(error.pos[0]).line,
      field: '',
      message: `${error.message.split(' at line ')[0]}. Correct the YAML here.`,
    }));
  }

  value(): unknown {
    return this.document.toJS() ?? {};
  }

  problem(path: FieldPath, message: string): Problem {
    return { file: this.file, line: this.lineOf(path), field: path.join('.'), message };
  }

  /** The line of a field, or of the nearest one around it when it is missing. */
  private lineOf(path: FieldPath): number {
    let node: unknown = this.document.contents;
    let offset = this.document.contents?.range[0] ?? 0;
    for (const step of path) {
      const found = this.descend(node, step);
      if (!found) {
        break;
      }
      node = found.value;
      offset = found.offset;
    }
    return this.lines.linePos(offset).line;
  }

  private descend(node: unknown, step: string | number): { value: unknown; offset: number } | undefined {
    const target = isAlias(node) ? node.resolve(this.document) : node;
    if (isMap(target)) {
      const pair = target.items.find(({ key }) => isScalar(key) && key.value === step);
      return pair && { value: pair.value, offset: start(pair.key as Node) };
    }
    if (isSeq(target) && typeof step === 'number' && step in target.items) {
      return { value: target.items[step], offset: start(target.items[step] as Node) };
    }
    return undefined;
  }
}

const start = (node: Node) => node.range?.[0] ?? 0;
