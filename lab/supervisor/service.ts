/** A program that the lab starts and keeps running in the background. */
export interface Service {
  /** The unique name, also of its log, data and record. */
  name: string;
  /** Services and tasks that must be ready before this one starts. */
  needs: string[];
  command: string;
  args: string[];
  /** Its whole environment besides PATH and HOME, evaluated when it starts. */
  env?(): Record<string, string>;
  /** Ports on 127.0.0.1 by purpose. */
  ports: Record<string, number>;
  /** Files and folders besides the program that require a restart when they change. */
  watches?: string[];
  /** Writes the files that the program reads. */
  prepare?(): Promise<void> | void;
  /** Throws an error with the reason if the service is not ready yet. */
  probe(): Promise<unknown>;
  /** The default is 60. */
  readySeconds?: number;
  /** Removes files and containers that the process leaves behind. */
  cleanUp?(): Promise<unknown>;
}

/** A finite piece of work between services. Every `up` repeats it, so it must be safe to repeat. */
export interface Task {
  name: string;
  needs: string[];
  /** The service whose log explains why the task failed. */
  explainedBy: string;
  run(signal: AbortSignal): Promise<void>;
}

export const isTask = (node: Service | Task): node is Task => 'run' in node;
