import type { Lab } from '../lab.ts';
import { LabFailure } from '../failure.ts';
import { serviceNamed } from '../services/all.ts';
import { type ProcessRecord, livingGroup, livingProcess, readRecord } from '../supervisor/records.ts';
import { isRunning, sendSignal, startService, stopProcess, untilReady } from '../supervisor/supervisor.ts';

/** Kills a process with SIGKILL. */
export async function kill(lab: Lab, name: string): Promise<void> {
  const record = runningRecord(lab, name);
  signalGroup(lab, record, 'SIGKILL');
  await stopProcess(lab, record);
}

/** Shuts a process down in order. */
export async function shutDown(lab: Lab, name: string): Promise<void> {
  await stopProcess(lab, runningRecord(lab, name));
}

/** Shuts a process down in order, unless it has already stopped. */
export async function ensureDown(lab: Lab, name: string): Promise<void> {
  const record = readRecord(lab, name);
  if (record) {
    await stopProcess(lab, record);
  }
}

/** Pauses a process: its connections stay open and nothing answers. */
export async function pause(lab: Lab, name: string): Promise<void> {
  signalGroup(lab, runningRecord(lab, name), 'SIGSTOP');
}

/** Makes sure that the process runs and is ready, whether it was paused, stopped or running. */
export async function bringBack(lab: Lab, name: string): Promise<void> {
  const service = serviceNamed(lab, name);
  if (isRunning(lab, service)) {
    signalGroup(lab, runningRecord(lab, name), 'SIGCONT');
    await untilReady(lab, service);
  } else {
    await startService(lab, service);
  }
}

function signalGroup(lab: Lab, record: ProcessRecord, signal: NodeJS.Signals): void {
  for (const { pid } of livingGroup(lab, record)) {
    sendSignal(pid, signal);
  }
}

export function runningRecord(lab: Lab, name: string): ProcessRecord {
  const record = readRecord(lab, name);
  if (!record || !livingProcess(record)) {
    throw new LabFailure(`${name} is not running.`, 'Start the lab with `npm run lab`, then try again.');
  }
  return record;
}
