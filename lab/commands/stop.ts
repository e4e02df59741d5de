import { activeFaults, describeFault, rememberFaults } from '../faults/fault.ts';
import { type Lab, labLock } from '../lab.ts';
import { allServices } from '../services/all.ts';
import { withLock } from '../supervisor/lock.ts';
import { allRecords } from '../supervisor/records.ts';
import { stopProcesses } from '../supervisor/stop.ts';
import type { Command } from './command.ts';

export const stop: Command = {
  name: 'stop',
  usage: '',
  summary: 'stops every process of the lab; data is kept',
  async run(lab) {
    const ended = await withLock(labLock(lab), 'starting or stopping this lab', () => stopLab(lab));
    console.log(ended === 0 ? 'Nothing was running.' : `Stopped ${ended} processes.`);
    for (const fault of activeFaults(lab)) {
      console.log(`The fault ${describeFault(fault)} stays in the data; heal it with: npm run lab, npm run lab heal`);
    }
  },
};

/** Also stops processes that a crashed start left behind: a record is written as soon as a process exists. */
async function stopLab(lab: Lab): Promise<number> {
  const records = allRecords(lab);
  await stopProcesses(lab, records);
  for (const service of allServices(lab)) {
    await service.cleanUp?.();
  }
  rememberFaults(
    lab,
    activeFaults(lab).filter((fault) => fault.outlivesStop)
  );
  return records.length;
}
