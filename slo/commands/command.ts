/** A command of `npm run slo -- <name>`. */
export interface Command {
  name: string;
  usage: string;
  summary: string;
  run(args: string[]): Promise<void>;
}

/** Something that the person at the terminal can put right: printed without a stack trace. */
export class UsageError extends Error {}
