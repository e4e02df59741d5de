import { execa } from 'execa';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';

import { table } from '../../terminal/table.ts';
import { labEnvironment } from '../environment.ts';
import { activeFaults, requireNoFaults } from '../faults/fault.ts';
import { LabFailure } from '../failure.ts';
import { type Lab, program } from '../lab.ts';
import { allClusters } from '../plan.ts';
import type { Command } from './command.ts';
import { fault, heal } from './fault.ts';

/** A fault with its target, the cluster that is diagnosed, and the suspect that must come first. */
export interface Injection {
  fault: string;
  target: string;
  cluster: string;
  suspect: string;
  /** A second fault at the same time, on another cluster. */
  beside?: { fault: string; target: string };
}

const matrices: Record<string, Injection[]> = {
  first: [
    onCluster('kill-quorum', 'gz-etcd-small', 'Quorum lost'),
    onCluster('kill-member', 'gz-etcd-default', 'Member down'),
    onCluster('pause-member', 'gz-etcd-large', 'Member down'),
    onCluster('stutter-member', 'gz-etcd-small', 'Starved member'),
    { fault: 'slow-host', target: 'gz-node-0', cluster: 'gz-etcd-default', suspect: 'Slow disk' },
    onCluster('fill-quota', 'gz-etcd-small', 'Quota exceeded'),
    onCluster('corrupt', 'gz-etcd-default', 'Data differ'),
    onCluster('change-values', 'gz-etcd-small', 'Data differ'),
    onCluster('split-member', 'gz-etcd-large', 'Split membership'),
    onCluster('expiring-certificate', 'gz-etcd-large', 'Certificate expires'),
    onCluster('large-value', 'gz-etcd-default', 'Large values'),
    onCluster('many-keys', 'gz-etcd-default', 'Key growth'),
    onCluster('hot-key', 'gz-etcd-large', 'Hot keys'),
    { fault: 'stop-api', target: 'gz', cluster: 'gz-etcd-default', suspect: 'Region away' },
    { fault: 'pause-api', target: 'gz', cluster: 'gz-etcd-small', suspect: 'Region away' },
    { fault: 'stop-cruiser', target: 'gz', cluster: 'gz-etcd-large', suspect: 'Inspections stopped' },
    onCluster('kill-member', 'sh-etcd-large', 'Member down'),
    onCluster('pause-member', 'sh-etcd-small', 'Member down'),
    onCluster('stutter-member', 'sh-etcd-default', 'Starved member'),
    { fault: 'slow-host', target: 'sh-node-1', cluster: 'sh-etcd-large', suspect: 'Slow disk' },
    { fault: 'kill-host', target: 'gz-node-1', cluster: 'gz-etcd-small', suspect: 'Host or zone away' },
    onCluster('heavy-lists', 'gz-etcd-default', 'Large lists'),
    onCluster('stop-scrape', 'gz-etcd-large', 'Collection broken'),
    onCluster('half-onboard', 'gz-etcd-small', 'Onboarding incomplete'),
    { fault: 'stop-sidecar', target: 'gz', cluster: 'gz-etcd-default', suspect: 'Series away' },
  ],
  second: [
    {
      ...onCluster('kill-quorum', 'sh-etcd-large', 'Quorum lost'),
      beside: { fault: 'slow-host', target: 'gz-node-2' },
    },
    {
      ...onCluster('pause-member', 'sh-etcd-default', 'Member down'),
      beside: { fault: 'hot-key', target: 'gz-etcd-small' },
    },
    {
      ...onCluster('stutter-member', 'sh-etcd-large', 'Starved member'),
      beside: { fault: 'kill-member', target: 'gz-etcd-large' },
    },
    {
      fault: 'slow-host',
      target: 'sh-node-2',
      cluster: 'sh-etcd-small',
      suspect: 'Slow disk',
      beside: { fault: 'kill-quorum', target: 'gz-etcd-large' },
    },
    {
      ...onCluster('fill-quota', 'sh-etcd-small', 'Quota exceeded'),
      beside: { fault: 'pause-member', target: 'gz-etcd-small' },
    },
    {
      ...onCluster('corrupt', 'sh-etcd-default', 'Data differ'),
      beside: { fault: 'stutter-member', target: 'gz-etcd-default' },
    },
    {
      ...onCluster('split-member', 'sh-etcd-small', 'Split membership'),
      beside: { fault: 'large-value', target: 'gz-etcd-large' },
    },
    {
      ...onCluster('heavy-lists', 'sh-etcd-large', 'Large lists'),
      beside: { fault: 'half-onboard', target: 'gz-etcd-default' },
    },
    { ...onCluster('hot-key', 'sh-etcd-small', 'Hot keys'), beside: { fault: 'stop-api', target: 'gz' } },
    {
      fault: 'kill-host',
      target: 'sh-node-0',
      cluster: 'sh-etcd-default',
      suspect: 'Host or zone away',
      beside: { fault: 'fill-quota', target: 'gz-etcd-large' },
    },
  ],
};

function onCluster(name: string, cluster: string, suspect: string): Injection {
  return { fault: name, target: cluster, cluster, suspect };
}

/** Seconds: until a cause must be named, between two looks, and until a cluster must be quiet again. */
const patience = 90;
const look = 5;
const recovery = 420;

export interface Finding {
  severity: string;
  suspect: string;
  member: string;
  host: string;
  statement: string;
}

export type Verdict = 'right' | 'wrong' | 'not known';

interface Outcome extends Injection {
  verdict: Verdict;
  found: string;
  seconds: number;
}

export const diagnoses: Command = {
  name: 'diagnoses',
  usage: '[first|second|quiet] [--only fault] [--from n] [--minutes 30]',
  summary: 'injects faults in turn and measures how soon the diagnosis names each; quiet injects none',
  async run(lab, args, signal) {
    const { values, positionals } = parseArgs({
      args,
      allowPositionals: true,
      options: {
        only: { type: 'string' },
        from: { type: 'string', default: '1' },
        minutes: { type: 'string', default: '30' },
      },
    });
    const [name = 'first'] = positionals;
    const matrix = matrices[name];
    if (!matrix && name !== 'quiet') {
      throw new LabFailure(`There is no matrix ${name}.`, `Use one of: ${Object.keys(matrices).join(', ')}, quiet.`);
    }
    requireNoFaults(lab);
    if (name === 'quiet') {
      await watchQuiet(lab, above0('--minutes', values.minutes), signal);
      return;
    }
    const outcomes: Outcome[] = [];
    for (const injection of matrix
      .slice(above0('--from', values.from) - 1)
      .filter((each) => !values.only || each.fault === values.only)) {
      const outcome = await measure(lab, injection, signal);
      outcomes.push(outcome);
      console.log(`${describe(outcome)}: ${outcome.verdict} after ${outcome.seconds} s: ${outcome.found}`);
    }
    console.log(`\n${report(outcomes)}`);
  },
};

const describe = ({ fault: name, target, beside }: Injection) =>
  [`${name} ${target}`, ...(beside ? [`${beside.fault} ${beside.target}`] : [])].join(' beside ');

function report(outcomes: Outcome[]): string {
  const rows = outcomes.map((of) => [describe(of), of.suspect, of.verdict, String(of.seconds), of.found]);
  const count = (verdict: Verdict) => outcomes.filter((of) => of.verdict === verdict).length;
  const summary = `${outcomes.length} injections: ${count('right')} right, ${count('wrong')} wrong, ${count('not known')} not known`;
  return `${table(['INJECTION', 'EXPECTED', 'VERDICT', 'SECONDS', 'FIRST FINDING'], rows)}\n\n${summary}`;
}

function above0(option: string, text: string): number {
  const value = Number(text);
  if (!(value > 0)) {
    throw new LabFailure(`${option} is ${JSON.stringify(text)}.`, 'Give a number above 0.');
  }
  return value;
}

/** Asks for all clusters in turn while nothing is injected, and reports whatever is named: it is wrong. */
async function watchQuiet(lab: Lab, minutes: number, signal: AbortSignal): Promise<void> {
  const clusters = allClusters(lab.plan).map(({ name }) => name);
  const named = new Map<string, number>();
  let answers = 0;
  for (const end = Date.now() + minutes * 60_000; Date.now() < end;) {
    for (const cluster of clusters) {
      const { severity, suspect, statement } = await firstFinding(lab, cluster);
      answers++;
      if (severity !== 'Quiet') {
        console.log(`${new Date().toISOString()} ${cluster}: ${suspect}: ${statement}`);
        const key = `${cluster}: ${suspect}`;
        named.set(key, (named.get(key) ?? 0) + 1);
      }
    }
    await sleep(look * 1000, undefined, { signal });
  }
  const wrong = [...named].map(([what, times]) => `${what}, ${times} answers`);
  console.log(`${answers} answers in ${minutes} quiet minutes, wrong: ${wrong.join('; ') || 'none'}`);
}

/** Injects, asks until the cause is named or the time is over, and heals. */
async function measure(lab: Lab, injection: Injection, signal: AbortSignal): Promise<Outcome> {
  await untilQuiet(lab, injection.cluster, signal);
  const before = await firstFinding(lab, injection.cluster);
  if (injection.beside) {
    await fault.run(lab, [injection.beside.fault, injection.beside.target], signal);
  }
  const begin = Date.now();
  await fault.run(lab, [injection.fault, injection.target], signal);
  const target = activeFaults(lab).find((active) => active.fault === injection.fault)!.target;
  try {
    for (;;) {
      const first = await firstFinding(lab, injection.cluster);
      const seconds = Math.round((Date.now() - begin) / 1000);
      const verdict = judge(injection, target, before, first);
      if (verdict === 'right' || seconds >= patience) {
        return { ...injection, verdict, found: first.statement, seconds };
      }
      await sleep(look * 1000, undefined, { signal });
    }
  } finally {
    await heal.run(lab, [], signal);
  }
}

/** A finding that was there before the injection says nothing about it. */
export function judge(injection: Injection, target: string, before: Finding, first: Finding): Verdict {
  const named = first.member === '' || target === injection.cluster || [first.member, first.host].includes(target);
  if (first.suspect === injection.suspect && (named || !target.includes('-'))) {
    return 'right';
  }
  return first.statement === before.statement || ['None', 'Not known'].includes(first.suspect) ? 'not known' : 'wrong';
}

/** Waits until nothing is wrong with a cluster, or only what was inspected and will be inspected again. */
async function untilQuiet(lab: Lab, cluster: string, signal: AbortSignal): Promise<void> {
  for (const begin = Date.now(); ;) {
    const first = await firstFinding(lab, cluster);
    if (first.severity === 'Quiet') {
      return;
    }
    if (Date.now() - begin > recovery * 1000) {
      console.log(`${cluster} is not quiet: ${first.statement}`);
      return;
    }
    await sleep(look * 1000, undefined, { signal });
  }
}

async function firstFinding(lab: Lab, cluster: string): Promise<Finding> {
  const [region] = cluster.split('-etcd-');
  const { stdout } = await execa(
    program(lab, 'fleet'),
    ['diagnose', '--region', region, '--cluster', cluster, '--output', 'json'],
    { cwd: lab.root, env: labEnvironment(lab) }
  );
  const { rows } = JSON.parse(stdout) as { rows: Finding[] };
  return rows[0];
}
