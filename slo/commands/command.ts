/** A command of `npm run slo -- <name>`. */
export interface Command {
  name: string;
  usage: string;
  summary: string;
  run(args: string[]): Promise<void>;
}

/** An error that the user can correct: printed without a stack trace. */
export class UsageError extends Error {}
