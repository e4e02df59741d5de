// Formats the figures of the two Go programs of `npm run bench inspect` as text.
import { markdownTable as table } from '../table.ts';

/** The output of bench/inspect/fleet. Memory is in bytes, CPU in cores. */
export interface FleetFigures {
  monitors: number;
  fillingSeconds: number;
  fillingCores: Record<string, number>;
  fillingBytes: number;
  steadySeconds: number;
  steadyRuns: number;
  outcomes: Record<string, number>;
  lateSecondsP99: number;
  steadyCores: Record<string, number>;
  cruiserBytes: number;
  cruiserBytesEachMinute: number[];
  apiServerBytes: number;
  scrapeSeconds: number;
  scrapeBytes: number;
  handOverSeconds: number;
  handOverClusters: number;
}

interface Latencies {
  puts: number;
  p50: number;
  p99: number;
  max: number;
}

/** The output of bench/inspect/cost for each scenario. Latencies are those of puts, in seconds. */
export interface CostFigures {
  name: string;
  runs: number;
  runSeconds: number;
  during: Latencies;
  idle: Latencies;
  remark: string;
}

export interface Figures {
  cores: number;
  /** The load of other programs on the machine at the start. */
  loadBefore: number;
  keys: number;
  fleet?: FleetFigures;
  cost?: CostFigures[];
}

export function report({ cores, loadBefore, keys, fleet, cost }: Figures): string {
  return [
    '# Inspections',
    `${cores} cores, shared with the API server, its etcd and the inspected members (load ${loadBefore.toFixed(1)} before the run).`,
    ...(fleet ? ['## A fleet', fleetTable(fleet)] : []),
    ...(cost ? ['## What the clients of a cluster feel', costText(keys), costTable(cost)] : []),
  ].join('\n\n');
}

function fleetTable(fleet: FleetFigures): string {
  const outcomes = Object.entries(fleet.outcomes).map(([outcome, count]) => `${count} ${outcome}`);
  return table(
    ['what', 'figure'],
    [
      ['inspections', `${fleet.monitors}`],
      ['until each has run once', `${fleet.fillingSeconds.toFixed(0)} s`],
      ['cores meanwhile', cores(fleet.fillingCores)],
      ["cruiser's memory meanwhile", `at most ${mebibytes(fleet.fillingBytes)}`],
      ['then', `${fleet.steadyRuns} runs in ${fleet.steadySeconds.toFixed(0)} s`],
      ['outcomes', outcomes.join(', ')],
      ['late by more than the jitter, p99', `${fleet.lateSecondsP99.toFixed(1)} s`],
      ['cores then', cores(fleet.steadyCores)],
      ["cruiser's memory then", `at most ${mebibytes(fleet.cruiserBytes)}`],
      ['its memory each minute', fleet.cruiserBytesEachMinute.map(mebibytes).join(', ')],
      ["the API server's memory", mebibytes(fleet.apiServerBytes)],
      ['a scrape of cruiser', `${fleet.scrapeSeconds.toFixed(1)} s, ${mebibytes(fleet.scrapeBytes)}`],
      [
        'one of two replicas killed',
        `the other has its ${fleet.handOverClusters} clusters after ${fleet.handOverSeconds.toFixed(1)} s`,
      ],
    ]
  );
}

const costText = (keys: number) =>
  `A cluster of 3 members with ${keys} keys, to which clients send 100 puts per second through all members. Each check runs ` +
  'again one second after it finished, far more often than in production, so that it affects the p99.';

function costTable(cost: CostFigures[]): string {
  return table(
    ['what runs', 'runs', 'one takes', 'p50', 'p99', 'longest', 'idle p50', 'idle p99', 'p99 / idle', 'result'],
    cost.map(({ name, runs, runSeconds, during, idle, remark }) => [
      name,
      `${runs}`,
      `${runSeconds.toFixed(2)} s`,
      milliseconds(during.p50),
      milliseconds(during.p99),
      milliseconds(during.max),
      milliseconds(idle.p50),
      milliseconds(idle.p99),
      `${(during.p99 / idle.p99).toFixed(1)} ×`,
      remark.slice(0, 80),
    ])
  );
}

const cores = (used: Record<string, number>) =>
  Object.entries(used)
    .map(([program, share]) => `${program} ${share.toFixed(2)}`)
    .join(', ');
const milliseconds = (seconds: number) => `${(seconds * 1000).toFixed(1)} ms`;
const mebibytes = (bytes: number) => `${(bytes / 2 ** 20).toFixed(0)} MiB`;
