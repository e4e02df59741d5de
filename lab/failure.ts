/** A failure that the user can act on. It is printed without a stack trace. */
export class LabFailure extends Error {
  readonly remedy: string;
  readonly logTail: string;

  constructor(message: string, remedy: string, logTail = '') {
    super(message);
    this.remedy = remedy;
    this.logTail = logTail;
  }
}

export function describeFailure(error: unknown): string {
  if (!(error instanceof LabFailure)) {
    return error instanceof Error ? (error.stack ?? error.message) : String(error);
  }
  const log = error.logTail ? `\n${indent(error.logTail)}\n` : '';
  return `${error.message}${log}\n→ ${error.remedy}`;
}

/** Returns the message with those of its causes: fetch describes the problem only there. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) {
    return String(error);
  }
  return error.cause === undefined ? error.message : `${error.message}: ${reasonOf(error.cause)}`;
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n');
}
