import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { stringify } from 'yaml';

import { formatDuration } from '../../slo/model/duration.ts';
import { requireNoFaults } from '../faults/fault.ts';
import type { Lab } from '../lab.ts';
import type { Command } from './command.ts';
import { secondsOf } from './duration-flag.ts';
import { fault, heal } from './fault.ts';

/** The incidents, in order. Each cluster has one incident only, so that no incident hides another. */
const incidents = [
  { fault: 'kill-quorum', cluster: 'gz-etcd-default', severity: 'page', note: 'two of three members are gone' },
  { fault: 'stutter-member', cluster: 'sh-etcd-default', severity: 'page', note: 'the leader has too little CPU' },
  { fault: 'pause-member', cluster: 'gz-etcd-small', severity: 'ticket', note: 'one member hangs' },
  { fault: 'kill-member', cluster: 'sh-etcd-large', severity: 'ticket', note: 'one member is gone' },
  { fault: 'stutter-member', cluster: 'gz-etcd-large', severity: 'page', note: 'the leader has too little CPU' },
];

interface RecordedIncident {
  start: string;
  end: string;
  scope: { region: string; cluster: string };
  severity: string;
  note: string;
}

export const incidentsCommand: Command = {
  name: 'incidents',
  usage: '[--last 3m] [--pause 150s] [--out incidents.yaml]',
  summary: 'causes five incidents in turn and records their times and clusters for npm run slo -- calibrate',
  async run(lab, args, signal) {
    const { values } = parseArgs({
      args,
      options: {
        last: { type: 'string', default: '3m' },
        pause: { type: 'string', default: '150s' },
        out: { type: 'string', default: path.join(lab.dir, 'incidents.yaml') },
      },
    });
    const [last, pause] = [secondsOf('last', values.last), secondsOf('pause', values.pause)];
    requireNoFaults(lab); // another fault would be an incident that is missing from the list
    const whole = incidents.length * last + (incidents.length + 1) * pause;
    console.log(`It takes ${Math.ceil(whole / 60)} minutes. ${values.out} grows with each incident.`);
    const recorded: RecordedIncident[] = [];
    // The pauses before the first and after the last incident show whether an alert is a false one.
    await wait(pause, signal);
    for (const incident of incidents) {
      recorded.push(await cause(lab, incident, last, signal));
      writeFileSync(values.out, textOf(recorded));
      await wait(pause, signal);
    }
    console.log(
      `${recorded.length} incidents are in ${values.out}. Calibrate with:\n` +
        `npm run slo -- calibrate --url ${lab.plan.thanosURL} --incidents ${values.out} --from ${formatDuration(whole)}`
    );
  },
};

/** Injects a fault for a while. The fault is always healed, also when the command is interrupted. */
async function cause(
  lab: Lab,
  { fault: name, cluster, severity, note }: (typeof incidents)[number],
  seconds: number,
  signal: AbortSignal
): Promise<RecordedIncident> {
  const [region] = cluster.split('-etcd-');
  const start = new Date().toISOString();
  await fault.run(lab, [name, cluster], signal);
  try {
    await wait(seconds, signal);
  } finally {
    await heal.run(lab, [name], signal);
  }
  return { start, end: new Date().toISOString(), scope: { region, cluster }, severity, note: `${name}: ${note}` };
}

const wait = (seconds: number, signal: AbortSignal) => sleep(seconds * 1000, undefined, { signal });

const textOf = (recorded: RecordedIncident[]) =>
  `# Written by npm run lab incidents: the faults that were injected into the lab, with their times.\n${stringify(recorded)}`;
