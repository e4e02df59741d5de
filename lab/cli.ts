// npm run lab -- <command>: runs the whole system on this machine, with the real programs.
import { build } from './commands/build.ts';
import type { Command } from './commands/command.ts';
import { diagnoses } from './commands/diagnoses.ts';
import { fault, heal } from './commands/fault.ts';
import { incidentsCommand } from './commands/incidents.ts';
import { logs } from './commands/logs.ts';
import { soak } from './commands/soak.ts';
import { status } from './commands/status.ts';
import { stop } from './commands/stop.ts';
import { up } from './commands/up.ts';
import { LabFailure, describeFailure } from './failure.ts';
import { openLab } from './lab.ts';
import { table } from '../terminal/table.ts';

const help: Command = {
  name: 'help',
  usage: '',
  summary: 'shows this help',
  async run() {
    console.log(`npm run lab [command]\n`);
    console.log(
      table(
        ['COMMAND', 'WHAT IT DOES'],
        commands.map((command) => [`${command.name} ${command.usage}`, command.summary])
      )
    );
    console.log('\nEnvironment: LAB_DIR, LAB_PORT_BASE, GRAFANA_URL, GRAFANA_HOME, LAB_GRAFANA=off; see docs/lab.md');
  },
};

const commands: Command[] = [up, build, stop, status, logs, fault, heal, diagnoses, incidentsCommand, soak, help];

const [name = 'up', ...args] = process.argv.slice(2);
const interrupted = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => interrupted.abort());
}
// A closed terminal must not prevent the started processes from being stopped.
process.stdout.on('error', () => interrupted.abort());

try {
  const command = commands.find((candidate) => candidate.name === name.replace(/^-+/, ''));
  if (!command) {
    throw new LabFailure(`There is no command ${name}.`, 'See them all with `npm run lab help`.');
  }
  await command.run(openLab(), args, interrupted.signal);
} catch (error) {
  if (interrupted.signal.aborted) {
    process.exitCode = 130;
  } else {
    console.error(`\n${describeFailure(error)}`);
    process.exitCode = 1;
  }
}
