// What is wrong with the definitions, said so that the next edit can be the right one.

export interface Problem {
  /** Relative to the project. */
  file: string;
  /** From 1. */
  line: number;
  /** The path to the field, such as `classes.small.targets.read-availability`; empty for the whole file. */
  field: string;
  /** What is wrong, and what to write instead. */
  message: string;
}

/** Definitions that cannot be used, with everything that is wrong with them. */
export class DefinitionError extends Error {
  constructor(readonly problems: Problem[]) {
    super(problems.map(describeProblem).join('\n'));
  }
}

export function describeProblem({ file, line, field, message }: Problem): string {
  return `${file}:${line}: ${field ? `${field}: ` : ''}${message}`;
}
