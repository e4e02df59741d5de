import type { Lab } from '../lab.ts';

/** A word after `npm run lab`. */
export interface Command {
  name: string;
  /** Its arguments, for the help. */
  usage: string;
  summary: string;
  run(lab: Lab, args: string[], signal: AbortSignal): Promise<void>;
}
