import { labTools, toolsNamed } from '../build/tools.ts';
import { createCredentials } from '../credentials.ts';
import { writeEnvironmentFile } from '../environment.ts';
import { activeFaults, describeFault } from '../faults/fault.ts';
import { fleetTable } from '../fleet-table.ts';
import { type GrafanaSource, chooseGrafana, grafanaCandidates, rememberGrafana } from '../grafana/source.ts';
import { type Lab, labLock } from '../lab.ts';
import { allServices, allTasks } from '../services/all.ts';
import { runGraph } from '../supervisor/graph.ts';
import { withLock } from '../supervisor/lock.ts';
import { requireFreePorts } from '../supervisor/ports.ts';
import { allRecords, readRecord } from '../supervisor/records.ts';
import { type Service, type Task, isTask } from '../supervisor/service.ts';
import { startPlan } from '../supervisor/start-plan.ts';
import { stopProcesses } from '../supervisor/stop.ts';
import { endedFailure, isOutdated, isRunning, runTask, startService } from '../supervisor/supervisor.ts';
import { elapsed, showProgress } from '../../terminal/progress.ts';
import { addresses } from './addresses.ts';
import { buildAll } from './build.ts';
import type { Command } from './command.ts';

export const up: Command = {
  name: 'up',
  usage: '',
  summary: 'builds missing programs, starts stopped processes and lists all addresses (the default)',
  async run(lab, _args, signal) {
    const began = Date.now();
    const source = await chooseGrafana(lab.environment, grafanaCandidates(lab));
    await buildAll(lab, { tools: toolsNamed(labTools), programs: true, frontEnd: source.kind !== 'none', signal });
    await withLock(labLock(lab), 'starting or stopping this lab', () => start(lab, source, signal));
    console.log(`\nThe lab is up (${elapsed(began)}).\n\n${addresses(lab, source)}\n\n${await fleetTable(lab)}`);
    for (const fault of activeFaults(lab)) {
      console.log(`\nThe fault ${describeFault(fault)} is active since ${fault.since}; heal it with: npm run lab heal`);
    }
  },
};

/** Starts the processes that do not run. If interrupted, it stops those that it started. */
async function start(lab: Lab, source: GrafanaSource, signal: AbortSignal): Promise<void> {
  await createCredentials(lab);
  writeEnvironmentFile(lab);
  rememberGrafana(lab, source);

  const services = allServices(lab, source);
  const held = new Set(activeFaults(lab).flatMap((fault) => fault.holds));
  await stopOutdated(lab, services, held);
  const running = new Set(services.filter((service) => isRunning(lab, service)).map(({ name }) => name));
  const nodes = startPlan<Service | Task>([...services, ...allTasks(lab, source)], { running, held });
  await requireFreePorts(
    lab,
    nodes.filter((node): node is Service => !isTask(node))
  );

  const started: string[] = [];
  const progress = showProgress({ doing: 'Starting', done: 'is ready' }, nodes.length);
  try {
    await runGraph<Service | Task>(
      nodes,
      async (node, stop) => {
        progress.begin(node.name);
        if (isTask(node)) {
          await runTask(lab, node, stop);
        } else {
          started.push(node.name);
          await startService(lab, node, stop);
        }
        progress.done(node.name);
      },
      signal
    );
  } catch (error) {
    if (signal.aborted) {
      progress.end();
      console.log('Interrupted: stopping what was started.');
      await stopNamed(lab, started);
    }
    throw error;
  } finally {
    progress.end();
  }
  requireAlive(
    lab,
    services.filter(({ name }) => running.has(name) || started.includes(name))
  );
}

/** Throws if a process has exited: some programs answer their probe and exit soon after. */
function requireAlive(lab: Lab, services: Service[]): void {
  const ended = services.find((service) => !isRunning(lab, service));
  if (ended) {
    throw endedFailure(lab, ended);
  }
}

/** Stops processes that no longer belong to the lab, were rebuilt, or have another command line now. */
async function stopOutdated(lab: Lab, services: Service[], held: Set<string>): Promise<void> {
  const surplus = allRecords(lab).filter(
    ({ name }) => !held.has(name) && !services.some((service) => service.name === name)
  );
  const outdated = services.filter(
    (service) => !held.has(service.name) && isRunning(lab, service) && isOutdated(lab, service)
  );
  for (const { name } of outdated) {
    console.log(`${name} restarts: its program or settings have changed.`);
  }
  await stopNamed(
    lab,
    [...surplus, ...outdated].map(({ name }) => name)
  );
}

function stopNamed(lab: Lab, names: string[]): Promise<void> {
  return stopProcesses(
    lab,
    names.flatMap((name) => readRecord(lab, name) ?? [])
  );
}
