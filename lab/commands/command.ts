import type { Lab } from '../lab.ts';

/** A subcommand of `npm run lab`. */
export interface Command {
  name: string;
  /** The arguments, as shown in the help. */
  usage: string;
  summary: string;
  run(lab: Lab, args: string[], signal: AbortSignal): Promise<void>;
}
