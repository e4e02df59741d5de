import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** Tests are not part of any program. */
const test = /(_test\.go|\.test\.tsx?)$|^testdata$/;

/** Returns the latest modification time of the files and of all files in the folders, or 0 if none exists. */
export function newestChange(...paths: string[]): number {
  return Math.max(0, ...paths.map(changeOf));
}

function changeOf(file: string): number {
  const found = statSync(file, { throwIfNoEntry: false });
  if (!found?.isDirectory()) {
    return found?.mtimeMs ?? 0;
  }
  const names = readdirSync(file).filter((name) => !test.test(name));
  return newestChange(...names.map((name) => path.join(file, name)));
}
