import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Writes a file that only its owner may read, and creates its folders. */
export function writePrivateFile(file: string, content: string): void {
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, content, { mode: 0o600 });
}
