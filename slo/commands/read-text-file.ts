import { readFileSync } from 'node:fs';
import { decodeText } from '../decode-text.ts';
import { UsageError } from './command.ts';

/** `what` names the file in messages, with the flag that named it. */
export function readTextFile(file: string, what: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(file);
  } catch (error) {
    throw new UsageError(`${what} cannot be read (${(error as NodeJS.ErrnoException).code}). Check the path.`);
  }
  try {
    return decodeText(bytes);
  } catch {
    throw new UsageError(`${what} is not UTF-8 text. Save it as UTF-8.`);
  }
}
