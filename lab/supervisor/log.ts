import { closeSync, fstatSync, mkdirSync, openSync, readSync, renameSync, existsSync } from 'node:fs';
import path from 'node:path';

/** Opens a new log for a program's output and keeps the previous one as <name>.previous.log. */
export function startLog(file: string): number {
  mkdirSync(path.dirname(file), { recursive: true });
  if (existsSync(file)) {
    renameSync(file, file.replace(/\.log$/, '.previous.log'));
  }
  return openSync(file, 'a');
}

/** Returns the last lines of a log. Only the end of the file is read. */
export function tailOf(file: string, lines = 15): string {
  const window = 32 * 1024;
  let log: number;
  try {
    log = openSync(file, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(log);
    const buffer = Buffer.alloc(Math.min(window, size));
    readSync(log, buffer, 0, buffer.length, size - buffer.length);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-lines).join('\n');
  } finally {
    closeSync(log);
  }
}
