/** A program that the lab starts and keeps running in the background. */
export interface Service {
  /** Unique; names its log, its data and its pid file. */
  name: string;
  /** Services and tasks that must be ready before this one starts. */
  needs: string[];
  command: string;
  args: string[];
  /** Its whole environment besides PATH and HOME; read when it starts. */
  env?(): Record<string, string>;
  /** Ports on 127.0.0.1 by purpose. */
  ports: Record<string, number>;
  /** Files and folders besides the program whose change asks for a restart. */
  watches?: string[];
  /** Writes what the program reads. */
  prepare?(): Promise<void> | void;
  /** Throws why the service is not ready yet. */
  probe(): Promise<unknown>;
  /** Default 60. */
  readySeconds?: number;
  /** Removes what ending the process leaves behind. */
  cleanUp?(): Promise<unknown>;
}

/** Work that ends, between services; repeated by every `up`, so it must be safe to repeat. */
export interface Task {
  name: string;
  needs: string[];
  /** The service whose log tells why the task failed. */
  explainedBy: string;
  run(signal: AbortSignal): Promise<void>;
}

export const isTask = (node: Service | Task): node is Task => 'run' in node;
