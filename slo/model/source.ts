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
    private readonly document: Document.Parsed = onlyDocument(text, lines)
  ) {}

  /** The sources of a text of several YAML documents, with --- between them. Empty documents are skipped. */
  static each(file: string, text: string): Source[] {
    const lines = new LineCounter();
    return documentsIn(text, lines).map((document) => new Source(file, text, lines, document));
  }

  /** Where the text is no YAML at all, names a field twice, or has aliases without a finite value. */
  syntaxProblems(): Problem[] {
    const problems = this.document.errors.map((error) => ({
      file: this.file,
      line: this.lines.linePos(error.pos[0]).line,
      field: '',
      message: `${error.message.split(' at line ')[0]}. Correct the YAML here.`,
    }));
    return problems.length > 0 || this.isFinite()
      ? problems
      : [this.problem([], 'An alias refers to itself, to nothing, or is repeated too often. Write the values out.')];
  }

  private isFinite(): boolean {
    try {
      JSON.stringify(this.value());
      return true;
    } catch {
      return false;
    }
  }

  value(): unknown {
    return this.document.toJS() ?? {};
  }

  /** The value without keys that have none, for formats in which an empty key is as good as an absent one. */
  valueWithoutNulls(): unknown {
    return withoutNulls(this.value());
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

/** The document of a text, whatever separators and empty documents are around it. */
function onlyDocument(text: string, lines: LineCounter): Document.Parsed {
  const [only, ...more] = documentsIn(text, lines);
  if (only && more.length === 0) {
    return only;
  }
  lines.lineStarts = []; // Parsing again would count each line twice.
  return parseDocument(text, { lineCounter: lines }); // Its errors say that there are several documents.
}

function documentsIn(text: string, lines: LineCounter): Document.Parsed[] {
  const documents: Document.Parsed[] = [...parseAllDocuments(text, { lineCounter: lines })];
  return documents.filter(({ contents, errors }) => errors.length > 0 || !isEmpty(contents));
}

const isEmpty = (contents: unknown) => contents === null || (isScalar(contents) && contents.value === null);

function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) {
    return value.map(withoutNulls);
  }
  if (value === null || typeof value !== 'object' || Object.getPrototypeOf(value) !== Object.prototype) {
    return value;
  }
  const entries = Object.entries(value).filter(([, field]) => field !== null && field !== undefined);
  return Object.fromEntries(entries.map(([key, field]) => [key, withoutNulls(field)]));
}
