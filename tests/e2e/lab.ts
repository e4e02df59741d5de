import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';

export const root = path.resolve(import.meta.dirname, '../..');

/** Runs a command of the lab that LAB_DIR and LAB_PORT_BASE name. */
export const lab = (...args: string[]) =>
  promisify(execFile)(process.execPath, ['--import', 'tsx', 'lab/cli.ts', ...args], { cwd: root });

export const noLab = 'LAB_DIR does not say which lab this Grafana shows';
