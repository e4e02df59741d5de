import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

import type { Lab } from '../lab.ts';
import { type ProcessEntry, processTable } from './process-table.ts';

/** What the lab remembers of a process that it started, in LAB_DIR/run/<name>.json. */
export interface ProcessRecord {
  name: string;
  pid: number;
  /** Program and arguments; with the pid it tells our process from a stranger that got its number later. */
  command: string[];
  /** The program's build when it was started. */
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
    return undefined; // none, or cut short by a crash of the machine: then nothing runs either
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

/** The recorded process, if it is alive and still ours. */
export function livingProcess(record: ProcessRecord, table = processTable()): ProcessEntry | undefined {
  return table.find((entry) => entry.pid === record.pid && entry.command === record.command.join(' '));
}

/**
 * The recorded process and its descendants: every process leads a group of its own, which its children (a plugin's
 * backend) join. When the leader is gone, members that outlived it are ours only if they come from the lab's folders.
 */
export function livingGroup(lab: Lab, record: ProcessRecord, table = processTable()): ProcessEntry[] {
  const group = table.filter((entry) => entry.group === record.pid);
  if (livingProcess(record, table)) {
    return group;
  }
  return group.filter((entry) => entry.command.includes(lab.dir) || entry.command.includes(lab.root));
}
