import type { Service } from '../supervisor/service.ts';
import { startService } from '../supervisor/supervisor.ts';
import type { Fault } from './fault.ts';
import { bringBack, ensureDown, runningRecord } from './processes.ts';
import { leaderTarget } from './targets.ts';

/** Below the election timeout, above every latency threshold of the lab's clusters except that of large reads. */
const pausedSeconds = 0.7;
const runningSeconds = 0.3;

export const stutterMember: Fault = {
  name: 'stutter-member',
  targets: '[cluster] [member]',
  summary: `freezes one etcd member, by default the leader, for ${pausedSeconds} s of every second, as on a machine without enough CPU`,
  effect: 'Nothing fails, but many requests are slow: read-availability and write-availability of the cluster burn.',
  outlivesStop: false,
  target: leaderTarget,
  holds: (member) => [member, stuttererName(member)],
  async inject(lab, member) {
    const { pid } = runningRecord(lab, member);
    await startService(lab, stutterer(member, pid));
  },
  async heal(lab, member) {
    await ensureDown(lab, stuttererName(member));
    await bringBack(lab, member);
  },
};

const stuttererName = (member: string) => `stutter-${member}`;

/** A shell that outlives the command and exits with the member. */
function stutterer(member: string, pid: number): Service {
  const name = stuttererName(member);
  const loop = `while kill -STOP ${pid}; do sleep ${pausedSeconds}; kill -CONT ${pid}; sleep ${runningSeconds}; done`;
  return { name, needs: [], command: '/bin/sh', args: ['-c', loop], ports: {}, probe: () => Promise.resolve() };
}
