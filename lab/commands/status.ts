import { reasonOf } from '../failure.ts';
import { activeFaults, describeFault } from '../faults/fault.ts';
import type { Lab } from '../lab.ts';
import { allServices } from '../services/all.ts';
import { processTable } from '../supervisor/process-table.ts';
import { livingProcess, readRecord } from '../supervisor/records.ts';
import type { Service } from '../supervisor/service.ts';
import { elapsed } from '../../terminal/progress.ts';
import { table } from '../../terminal/table.ts';
import type { Command } from './command.ts';

export const status: Command = {
  name: 'status',
  usage: '',
  summary: 'shows processes, ports, health and active faults',
  async run(lab) {
    const rows = await labStatus(lab);
    console.log(
      table(
        ['PROCESS', 'STATE', 'PID', 'FOR', 'HEALTH', 'PORTS'],
        rows.map((row) => [row.name, row.state, row.pid, row.for, row.health, row.ports])
      )
    );
    for (const fault of activeFaults(lab)) {
      console.log(`\nActive fault: ${describeFault(fault)} since ${fault.since}`);
    }
  },
};

export interface StatusRow {
  name: string;
  state: 'running' | 'paused' | 'down';
  pid: string;
  for: string;
  /** `ok`, or the reason why not. Empty for a process that does not run. */
  health: string;
  ports: string;
}

export async function labStatus(lab: Lab): Promise<StatusRow[]> {
  const processes = processTable();
  return Promise.all(
    allServices(lab).map(async (service) => {
      const record = readRecord(lab, service.name);
      const entry = record && livingProcess(record, processes);
      const ports = Object.entries(service.ports).map(([purpose, port]) => `${purpose} ${port}`);
      return {
        name: service.name,
        state: !entry ? 'down' : entry.paused ? 'paused' : 'running',
        pid: entry ? String(entry.pid) : '',
        for: entry ? elapsed(Date.parse(record.startedAt)) : '',
        health: !entry ? '' : entry.paused ? 'paused' : await healthOf(service),
        ports: ports.join(', '),
      } satisfies StatusRow;
    })
  );
}

async function healthOf(service: Service): Promise<string> {
  try {
    await service.probe();
    return 'ok';
  } catch (error) {
    return reasonOf(error).split('\n')[0].slice(0, 80);
  }
}
