// OpenSLO documents from YAML text.
import { DefinitionError, type Problem } from '../model/problem.ts';
import { Source } from '../model/source.ts';
import { suggest } from '../model/suggestion.ts';
import { apiVersion, documents, type Kind } from './openslo.ts';
import type { z } from 'zod';

export type ReadDocument = { [K in Kind]: z.output<(typeof documents)[K]> }[Kind];

/** Throws a DefinitionError with all that is no OpenSLO v1. */
export function readDocuments(text: string, file: string): ReadDocument[] {
  const problems: Problem[] = [];
  const read = Source.each(file, text).flatMap((source): ReadDocument[] => {
    const found = readDocument(source);
    problems.push(...found.problems);
    return found.document ? [found.document] : [];
  });
  if (problems.length) {
    throw new DefinitionError(problems);
  }
  return read;
}

function readDocument(source: Source): { document?: ReadDocument; problems: Problem[] } {
  const syntax = source.syntaxProblems();
  if (syntax.length) {
    return { problems: syntax };
  }
  const value = source.value() as { apiVersion?: unknown; kind?: unknown };
  if (value.apiVersion !== apiVersion) {
    const message = `${String(value.apiVersion)} is not read. Write ${apiVersion}, in the form that it describes.`;
    return { problems: [source.problem(['apiVersion'], message)] };
  }
  const kind = String(value.kind);
  if (!(kind in documents)) {
    const message = `${kind} is no kind of OpenSLO. ${suggest(kind, Object.keys(documents))}`;
    return { problems: [source.problem(['kind'], message)] };
  }
  const { data, error } = documents[kind as Kind].safeParse(value);
  const problems = (error?.issues ?? []).map((issue) =>
    source.problem(
      issue.path as Array<string | number>,
      `${issue.message}. See https://github.com/OpenSLO/OpenSLO#${kind.toLowerCase()}.`
    )
  );
  return { document: data, problems };
}
