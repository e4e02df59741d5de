import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

export interface ProcessEntry {
  pid: number;
  group: number;
  command: string;
  /** Stopped by SIGSTOP. */
  paused: boolean;
}

/** Returns all running processes of the machine. */
export function processTable(): ProcessEntry[] {
  return process.platform === 'linux' ? fromProc() : fromPs();
}

function fromProc(): ProcessEntry[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        // The name, in parentheses, may contain spaces and parentheses. Fields are counted after the last parenthesis.
        const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
        const [state, , group] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
        const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0$/, '').replaceAll('\0', ' ');
        return entry(pid, group, state, command);
      } catch {
        return []; // it exited while the table was read
      }
    });
}

function fromPs(): ProcessEntry[] {
  return execFileSync('ps', ['-axww', '-o', 'pid=,pgid=,state=,args='], { encoding: 'utf8' })
    .split('\n')
    .flatMap((line) => {
      const fields = /^\s*(\d+)\s+(\d+)\s+(\S+)\s+(.*)$/.exec(line);
      return fields ? entry(fields[1], fields[2], fields[3], fields[4]) : [];
    });
}

function entry(pid: string, group: string, state: string, command: string): ProcessEntry[] {
  const zombie = state.startsWith('Z');
  return zombie ? [] : [{ pid: Number(pid), group: Number(group), command, paused: state.startsWith('T') }];
}
