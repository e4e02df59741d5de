// OpenSLO documents from YAML text.
import { DefinitionError, type Problem } from '../model/problem.ts';
import { Source, type FieldPath } from '../model/source.ts';
import { suggest } from '../model/suggestion.ts';
import { apiVersion, documents, inlinePolicy, type InlinePolicy, type Kind, type Unmapped } from './openslo.ts';
import type { z } from 'zod';

export type ReadDocument = { [K in Kind]: z.output<(typeof documents)[K]> }[Kind];

export interface ReadDocuments {
  documents: ReadDocument[];
  /** Policies inside of SLOs, with the name of their SLO. */
  inlinePolicies: Array<{ slo: string; policy: InlinePolicy }>;
  /** What is left out because of a mistake in it. */
  leftOut: Unmapped[];
}

/** Kinds whose mistakes refuse the whole text. What is wrong in any other costs only itself. */
const essential: Kind[] = ['SLO', 'SLI'];

/**
 * Reads documents, lists of them, and Kubernetes' List; empty documents and keys without a value are skipped. Throws a
 * DefinitionError with everything for which the text is refused.
 */
export function readDocuments(text: string, file: string): ReadDocuments {
  const reader = new Reader();
  const sources = Source.each(file, text.replace(/^\uFEFF/, ''));
  sources.forEach((source) => reader.read(source));
  if (sources.length === 0) {
    const message = `is empty. Name a file with documents of ${apiVersion}.`;
    throw new DefinitionError([{ file, line: 1, field: '', message }]);
  }
  reader.refuseDuplicates();
  if (reader.problems.length) {
    throw new DefinitionError(reader.problems);
  }
  return reader;
}

class Reader implements ReadDocuments {
  readonly documents: ReadDocument[] = [];
  readonly inlinePolicies: ReadDocuments['inlinePolicies'] = [];
  readonly leftOut: Unmapped[] = [];
  readonly problems: Problem[] = [];
  private readonly places: Array<{ document: ReadDocument; problem(message: string): Problem }> = [];

  read(source: Source) {
    const syntax = source.syntaxProblems();
    if (syntax.length) {
      this.problems.push(...syntax);
      return;
    }
    const value = source.valueWithoutNulls();
    const { kind, items } = value as { kind?: unknown; items?: unknown };
    const [list, prefix]: [unknown[], FieldPath] = Array.isArray(value)
      ? [value, []]
      : kind === 'List' && Array.isArray(items)
        ? [items, ['items']]
        : [[], []];
    if (Array.isArray(value) || prefix.length) {
      list.forEach((item, index) => this.readDocument(item, source, [...prefix, index]));
    } else {
      this.readDocument(value, source, []);
    }
  }

  private readDocument(value: unknown, source: Source, path: FieldPath) {
    const { apiVersion: version, kind } = (value ?? {}) as { apiVersion?: unknown; kind?: unknown };
    if (version !== apiVersion) {
      const message =
        version === undefined
          ? `is missing. Write ${apiVersion}.`
          : `${String(version)} is not read. Write ${apiVersion}, in the form that it describes.`;
      this.problems.push(source.problem([...path, 'apiVersion'], message));
      return;
    }
    if (typeof kind !== 'string' || !Object.hasOwn(documents, kind)) {
      const message = `${String(kind ?? 'Nothing')} is not a kind of OpenSLO. ${suggest(String(kind), Object.keys(documents))}`;
      this.problems.push(source.problem([...path, 'kind'], message));
      return;
    }
    const { data, error } = documents[kind as Kind].safeParse(value);
    if (error) {
      this.refuse(kind as Kind, value, problemsOf(error, source, path, kind));
      return;
    }
    this.documents.push(data);
    this.places.push({ document: data, problem: (message) => source.problem([...path, 'metadata', 'name'], message) });
    if (data.kind === 'SLO') {
      this.readInlinePolicies(data, source, path);
    }
  }

  private readInlinePolicies(slo: Extract<ReadDocument, { kind: 'SLO' }>, source: Source, path: FieldPath) {
    (slo.spec.alertPolicies ?? []).forEach((policy, index) => {
      if (typeof policy === 'string' || 'alertPolicyRef' in policy) {
        return;
      }
      const { data, error } = inlinePolicy.safeParse(policy);
      if (data) {
        this.inlinePolicies.push({ slo: slo.metadata.name, policy: data });
        return;
      }
      const at = [...path, 'spec', 'alertPolicies', index];
      this.refuse('AlertPolicy', policy, problemsOf(error, source, at, 'AlertPolicy'));
    });
  }

  private refuse(kind: Kind, value: unknown, problems: Problem[]) {
    if (essential.includes(kind)) {
      this.problems.push(...problems);
      return;
    }
    const { metadata } = value as { metadata?: { name?: unknown } };
    for (const { file, line, field, message } of problems) {
      this.leftOut.push({
        field: `${kind} ${String(metadata?.name ?? 'without a name')}: ${field}`,
        why: `${file}:${line}: ${message}`,
        remedy: 'Left out.',
      });
    }
  }

  /** It is undefined which of two documents of one name is meant. */
  refuseDuplicates() {
    const seen = new Set<string>();
    for (const { document, problem } of this.places) {
      const name = `${document.kind} ${document.metadata.name}`;
      if (seen.has(name)) {
        this.problems.push(problem(`There is another ${name} in the file. Rename or remove one.`));
      }
      seen.add(name);
    }
  }
}

const problemsOf = (error: z.ZodError, source: Source, path: FieldPath, kind: string) =>
  error.issues.map((issue) =>
    source.problem(
      [...path, ...(issue.path as Array<string | number>)],
      `${issue.message}. See https://github.com/OpenSLO/OpenSLO#${kind.toLowerCase()}.`
    )
  );
