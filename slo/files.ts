import { mkdirSync, renameSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** Writes files by their path below a folder. A concurrent reader sees the old or the new content, never a part. */
export function writeFiles(directory: string, files: Record<string, string>) {
  for (const [file, text] of Object.entries(files)) {
    const target = path.join(directory, file);
    mkdirSync(path.dirname(target), { recursive: true });
    writeFileSync(`${target}.new`, text);
    renameSync(`${target}.new`, target);
  }
}
