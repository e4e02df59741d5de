import { execa } from 'execa';
import { existsSync } from 'node:fs';

import { LabFailure } from '../failure.ts';
import { logFile } from '../lab.ts';
import { allServices, serviceNamed } from '../services/all.ts';
import type { Command } from './command.ts';

export const logs: Command = {
  name: 'logs',
  usage: '<process> [follow]',
  summary: 'prints the end of a process’s log; follow continues with new lines',
  async run(lab, [name, follow], signal) {
    if (!name) {
      const names = allServices(lab).map((service) => service.name);
      throw new LabFailure('Which process?', `npm run lab logs <process>, one of: ${names.join(', ')}`);
    }
    const file = logFile(lab, serviceNamed(lab, name).name);
    if (!existsSync(file)) {
      throw new LabFailure(`${name} has no log: it was never started.`, 'Start the lab with `npm run lab`.');
    }
    const args = follow ? ['-n', '200', '-f', file] : ['-n', '200', file];
    await execa('tail', args, { stdio: 'inherit', cancelSignal: signal });
  },
};
