import { execa } from 'execa';
import path from 'node:path';

import { labEnvironment } from './environment.ts';
import { type Lab, openLab } from './lab.ts';
import { processTable } from './supervisor/process-table.ts';

/** A lab that a test started through the command line, as a user does. */
export interface RunningLab {
  lab: Lab;
  /** The environment for Grafana's provisioning, cmd/fleet and clients of the datasource. */
  environment: Record<string, string>;
  /** `npm run lab -- <args>`. */
  run(...args: string[]): Promise<LabCommandResult>;
  /** Stops the lab. Throws if a process is left. */
  stop(): Promise<void>;
}

export interface LabCommandResult {
  exitCode: number;
  /** Standard output and standard error, in the order of arrival. */
  output: string;
}

export interface LabOptions {
  /** LAB_DIR; the folder may be empty. */
  dir: string;
  portBase: number;
  /** GRAFANA_HOME and similar variables. Without them the lab has no Grafana. */
  grafana?: NodeJS.ProcessEnv;
  /** Receives the output as it arrives, for example process.stdout. */
  onOutput?: (text: string) => void;
}

const startTimeout = 30 * 60_000; // enough for an empty Go cache

/** Starts a lab and returns it. Throws an error with its output if it does not start. */
export async function startLab(options: LabOptions): Promise<RunningLab> {
  const run = (...args: string[]) => labCommand(options, args);
  const lab = openLab(environmentOf(options));
  const { exitCode, output } = await run('up');
  if (exitCode !== 0) {
    throw new Error(`the lab did not start:\n${output}`);
  }
  return {
    lab,
    environment: labEnvironment(lab),
    run,
    async stop() {
      const stopped = await run('stop');
      const left = processesOf(lab);
      if (stopped.exitCode !== 0 || left.length > 0) {
        throw new Error(`the lab did not stop:\n${stopped.output}\nstill running:\n${left.join('\n')}`);
      }
    },
  };
}

/** Runs a command of the lab. Any exit code is a valid result. */
export async function labCommand(options: LabOptions, args: string[], signal?: AbortSignal): Promise<LabCommandResult> {
  const { root } = openLab(environmentOf(options));
  const running = execa(process.execPath, ['--import', 'tsx', path.join(root, 'lab', 'cli.ts'), ...args], {
    cwd: root,
    env: environmentOf(options),
    all: true,
    reject: false,
    timeout: startTimeout,
    cancelSignal: signal,
    killSignal: 'SIGINT',
    forceKillAfterDelay: 60_000,
  });
  running.all.on('data', (chunk: Buffer) => options.onOutput?.(chunk.toString()));
  const { exitCode = 1, all } = await running;
  return { exitCode, output: all };
}

/** Returns the command lines of running processes that use the lab's folder. */
export function processesOf(lab: Lab): string[] {
  return processTable()
    .filter(({ command }) => command.includes(`${lab.dir}/`))
    .map(({ command }) => command);
}

function environmentOf({ dir, portBase, grafana = { LAB_GRAFANA: 'off' } }: LabOptions): NodeJS.ProcessEnv {
  const inherited = { GRAFANA_URL: undefined, GRAFANA_HOME: undefined, LAB_GRAFANA: undefined };
  return { ...process.env, ...inherited, LAB_DIR: dir, LAB_PORT_BASE: String(portBase), ...grafana };
}
