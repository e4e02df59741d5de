import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

import { newestChange } from '../build/newest.ts';
import { LabFailure, reasonOf } from '../failure.ts';
import { type Lab, logFile } from '../lab.ts';
import { startLog, tailOf } from './log.ts';
import { processTable } from './process-table.ts';
import { type ProcessRecord, livingGroup, livingProcess, readRecord, removeRecord, writeRecord } from './records.ts';
import type { Service, Task } from './service.ts';

const pollMilliseconds = 200;
const defaultReadySeconds = 60;
const stopSeconds = 25; // cruiser and operator give running work 20 s to finish

/** Whether the service's process is running. A paused process counts as running. */
export function isRunning(lab: Lab, service: Pick<Service, 'name'>): boolean {
  const record = readRecord(lab, service.name);
  return record !== undefined && livingProcess(record) !== undefined;
}

/** Whether the service runs with another command line or an older build than a start would use now. */
export function isOutdated(lab: Lab, service: Service): boolean {
  const record = readRecord(lab, service.name);
  return (
    record !== undefined &&
    (record.build !== buildOf(service) || record.command.join(' ') !== commandOf(service).join(' '))
  );
}

/** Starts the service in the background and waits until it is ready. */
export async function startService(lab: Lab, service: Service, signal?: AbortSignal): Promise<void> {
  await service.prepare?.();
  const log = startLog(logFile(lab, service.name));
  const child = spawn(service.command, service.args, {
    cwd: lab.dir,
    // The terminal's environment is not passed on: proxies or another installation's settings must not leak in.
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...service.env?.() },
    detached: true,
    stdio: ['ignore', log, log],
  });
  const exited = new Promise<Error>((resolve) => {
    child.once('error', resolve);
    child.once('exit', (code, killedBy) => resolve(new Error(`it exited with ${killedBy ?? `code ${code}`}`)));
  });
  if (child.pid !== undefined) {
    writeRecord(lab, {
      name: service.name,
      pid: child.pid,
      command: commandOf(service),
      build: buildOf(service),
      startedAt: new Date().toISOString(),
    });
    child.unref();
  }
  await untilReady(lab, service, { exited, signal });
}

/** Waits until the service's probe succeeds. `exited` resolves if the process exits before. */
export async function untilReady(
  lab: Lab,
  service: Service,
  { exited = new Promise<never>(() => {}), signal }: { exited?: Promise<Error>; signal?: AbortSignal } = {}
): Promise<void> {
  const seconds = service.readySeconds ?? defaultReadySeconds;
  const deadline = Date.now() + seconds * 1000;
  let reason = '';
  while (Date.now() < deadline) {
    signal?.throwIfAborted();
    const outcome = await Promise.race([
      exited,
      service.probe().then(
        () => 'ready' as const,
        (error: unknown) => {
          reason = reasonOf(error);
        }
      ),
    ]);
    if (outcome === 'ready') {
      return;
    }
    if (outcome instanceof Error) {
      throw startFailure(lab, service, outcome.message);
    }
    await sleep(pollMilliseconds, undefined, { signal });
  }
  throw startFailure(lab, service, `it is not ready after ${seconds} s: ${reason}`);
}

/** Returns the failure of a service that exited after it was ready. */
export function endedFailure(lab: Lab, service: Service): LabFailure {
  return startFailure(lab, service, 'it exited soon after it was ready');
}

/** Runs a task. A failure shows the log that explains it. */
export async function runTask(lab: Lab, task: Task, signal: AbortSignal): Promise<void> {
  try {
    await task.run(signal);
  } catch (error) {
    signal.throwIfAborted();
    throw new LabFailure(
      `${task.name} failed: ${reasonOf(error)}. The end of the log of ${task.explainedBy}:`,
      whatNext(task.explainedBy),
      tailOf(logFile(lab, task.explainedBy))
    );
  }
}

function startFailure(lab: Lab, service: Service, reason: string): LabFailure {
  return new LabFailure(
    `${service.name} did not start: ${reason}. The end of its log:`,
    whatNext(service.name),
    tailOf(logFile(lab, service.name))
  );
}

/** Stops the process and its children. Returns when none of them is left. */
export async function stopProcess(lab: Lab, record: ProcessRecord): Promise<void> {
  const signals: Array<[NodeJS.Signals, number]> = [
    ['SIGTERM', stopSeconds],
    ['SIGKILL', stopSeconds],
  ];
  for (const [signal, seconds] of signals) {
    if (await signalUntilGone(lab, record, signal, seconds)) {
      removeRecord(lab, record.name);
      return;
    }
  }
  throw new LabFailure(
    `${record.name} (process ${record.pid}) does not exit, even when killed.`,
    'It probably waits for its disk: run `npm run lab stop` again when the disk has recovered.'
  );
}

async function signalUntilGone(lab: Lab, record: ProcessRecord, signal: NodeJS.Signals, seconds: number) {
  const deadline = Date.now() + seconds * 1000;
  const signalled = livingGroup(lab, record);
  for (const { pid } of signalled) {
    sendSignal(pid, signal);
    sendSignal(pid, 'SIGCONT'); // a paused process receives the signal only when it continues
  }
  while (Date.now() < deadline) {
    // A child may exit after its leader, and without it nothing but its number shows that it is ours.
    const table = processTable();
    const left = table.some(({ pid, group }) => group === record.pid && signalled.some((of) => of.pid === pid));
    if (!left && livingGroup(lab, record, table).length === 0) {
      return true;
    }
    await sleep(pollMilliseconds / 2);
  }
  return false;
}

/** Sends a signal to a process of the lab, which may have exited meanwhile. */
export function sendSignal(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') {
      throw error;
    }
  }
}

/** Identifies the build. It changes with the program and with the files that it reads only at its start. */
function buildOf(service: Service): string {
  return [service.command, ...(service.watches ?? [])].map((file) => newestChange(file)).join(' ');
}

const whatNext = (log: string) =>
  `See the whole log with \`npm run lab logs ${log}\`; \`npm run lab\` tries again, \`npm run lab stop\` stops what runs.`;

const commandOf = (service: Service) => [service.command, ...service.args];
