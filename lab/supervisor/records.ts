import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Lab } from '../lab.ts';
import { type ProcessEntry, processTable } from './process-table.ts';

/** The lab's record of a process that it started, stored in LAB_DIR/run/<name>.json. */
export interface ProcessRecord {
  name: string;
  pid: number;
  /** Program and arguments. With the pid they distinguish our process from another one that got its number later. */
  command: string[];
  /** The program's build at its start. */
  build: string;
  startedAt: string;
}

const runDir = (lab: Lab) => path.join(lab.dir, 'run');
const recordFile = (lab: Lab, name: string) => path.join(runDir(lab), `${name}.json`);

export function writeRecord(lab: Lab, record: ProcessRecord): void {
  mkdirSync(runDir(lab), { recursive: true });
  writeFileSync(recordFile(lab, record.name), JSON.stringify(record, null, 2));
}

export function removeRecord(lab: Lab, name: string): void {
  rmSync(recordFile(lab, name), { force: true });
}

export function readRecord(lab: Lab, name: string): ProcessRecord | undefined {
  try {
    return JSON.parse(readFileSync(recordFile(lab, name), 'utf8')) as ProcessRecord;
  } catch {
    return undefined; // missing, or truncated by a crash of the machine, after which no process runs either
  }
}

export function allRecords(lab: Lab): ProcessRecord[] {
  let files: string[];
  try {
    files = readdirSync(runDir(lab));
  } catch {
    return [];
  }
  return files.flatMap((file) => readRecord(lab, path.basename(file, '.json')) ?? []);
}

/** Returns the recorded process if it is running and still ours. */
export function livingProcess(record: ProcessRecord, table = processTable()): ProcessEntry | undefined {
  return table.find((entry) => entry.pid === record.pid && entry.command === record.command.join(' '));
}

/**
 * Returns the recorded process and its descendants. Every process leads its own group, which its children (such as a
 * plugin's backend) join. If the leader is gone, other processes of the group are ours only if they come from the lab's
 * folders.
 */
export function livingGroup(lab: Lab, record: ProcessRecord, table = processTable()): ProcessEntry[] {
  const group = table.filter((entry) => entry.group === record.pid);
  if (livingProcess(record, table)) {
    return group;
  }
  return group.filter((entry) => entry.command.includes(lab.dir) || entry.command.includes(lab.root));
}
