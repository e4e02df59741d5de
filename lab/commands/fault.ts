import { faultNamed, faults } from '../faults/all.ts';
import { type ActiveFault, activeFaults, describeFault, rememberFaults } from '../faults/fault.ts';
import { LabFailure } from '../failure.ts';
import { type Lab, labLock } from '../lab.ts';
import { withLock } from '../supervisor/lock.ts';
import { table } from '../../terminal/table.ts';
import type { Command } from './command.ts';

const changing = 'changing this lab';

export const fault: Command = {
  name: 'fault',
  usage: '[name] [target]',
  summary: 'injects a failure that happens in production; without a name it lists the faults',
  async run(lab, [name, ...args]) {
    if (!name) {
      console.log(
        table(
          ['FAULT', 'TARGET', 'WHAT IT DOES'],
          faults.map((each) => [each.name, each.targets, each.summary])
        )
      );
      return;
    }
    const injected = await withLock(labLock(lab), changing, () => inject(lab, name, args));
    console.log(`${describeFault(injected)} is active. ${faultNamed(name).effect}`);
    console.log(`Heal it with: npm run lab heal ${describeFault(injected)}`);
  },
};

export const heal: Command = {
  name: 'heal',
  usage: '[name] [target]',
  summary: 'heals all active faults, those with a name, or one',
  async run(lab, args) {
    await withLock(labLock(lab), changing, async () => {
      for (const active of toHeal(activeFaults(lab), args)) {
        await faultNamed(active.fault).heal(lab, active.target);
        rememberFaults(lab, without(activeFaults(lab), active));
        console.log(`${describeFault(active)} is healed.`);
      }
    });
  },
};

async function inject(lab: Lab, name: string, args: string[]): Promise<ActiveFault> {
  const chosen = faultNamed(name);
  const target = await chosen.target(lab, args);
  const active: ActiveFault = {
    fault: name,
    target,
    holds: chosen.holds(target, lab),
    outlivesStop: chosen.outlivesStop,
    since: new Date().toISOString(),
  };
  const sameTarget = activeFaults(lab).find((other) => conflicts(other, active));
  if (sameTarget) {
    throw new LabFailure(
      `${describeFault(sameTarget)} is active there already.`,
      `Heal it first with \`npm run lab heal ${describeFault(sameTarget)}\`.`
    );
  }
  await chosen.inject(lab, target);
  rememberFaults(lab, [...activeFaults(lab), active]);
  return active;
}

/** Whether two faults affect the same process, so that healing one would undo the other. */
export function conflicts(a: ActiveFault, b: ActiveFault): boolean {
  const processes = ({ holds, target }: ActiveFault) => (holds.length > 0 ? holds : [target]);
  return processes(a).some((process) => processes(b).includes(process));
}

/** Returns the active faults that `heal [name] [target]` selects. The target may omit the member. */
export function toHeal(active: ActiveFault[], [name, target]: string[]): ActiveFault[] {
  const chosen = active.filter(
    (each) =>
      (!name || each.fault === name) && (!target || each.target === target || each.target.startsWith(`${target}-`))
  );
  if (chosen.length === 0) {
    const known = active.map(describeFault).join(', ');
    throw new LabFailure(
      name ? `The fault ${[name, target].filter(Boolean).join(' ')} is not active.` : 'No fault is active.',
      known ? `Active: ${known}.` : 'Inject one with `npm run lab fault`.'
    );
  }
  return chosen;
}

const without = (active: ActiveFault[], healed: ActiveFault) =>
  active.filter((each) => describeFault(each) !== describeFault(healed));
