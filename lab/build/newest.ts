import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';

/** Tests are built into nothing. */
const test = /(_test\.go|\.test\.tsx?)$|^testdata$/;

/** When the newest of the files, and of the files under the folders, was changed; 0 when there is none. */
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
