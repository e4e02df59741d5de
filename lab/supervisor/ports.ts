import { createServer } from 'node:net';

import { LabFailure } from '../failure.ts';
import { type Lab, defaultPortBase } from '../lab.ts';
import { portsPerRegion } from '../plan.ts';
import type { Service } from './service.ts';

const shown = 5;

/** Fails if another program listens on a port that one of the services needs. None of the services runs yet. */
export async function requireFreePorts(
  lab: Pick<Lab, 'portBase' | 'plan'>,
  services: Array<Pick<Service, 'name' | 'ports'>>
): Promise<void> {
  const wanted = services.flatMap((service) =>
    Object.entries(service.ports).map(([purpose, port]) => ({ service: service.name, purpose, port }))
  );
  const free = await Promise.all(wanted.map(({ port }) => isFree(port)));
  const taken = wanted.filter((_, index) => !free[index]);
  if (taken.length > 0) {
    throw portsTaken(lab, taken);
  }
}

export interface WantedPort {
  service: string;
  purpose: string;
  port: number;
}

export function portsTaken(lab: Pick<Lab, 'portBase' | 'plan'>, taken: WantedPort[]): LabFailure {
  const lines = taken
    .slice(0, shown)
    .map(({ service, purpose, port }) => `  port ${port}, which ${service} needs for ${purpose}`);
  if (taken.length > shown) {
    lines.push(`  and ${taken.length - shown} more ports: it may be another lab`);
  }
  const size = (lab.plan.regions.length + 1) * portsPerRegion;
  const other = lab.portBase === defaultPortBase ? defaultPortBase + 1000 : defaultPortBase;
  return new LabFailure(
    `Another program listens on 127.0.0.1 already:\n${lines.join('\n')}`,
    `Stop that program, or move the lab: LAB_PORT_BASE=${other} npm run lab (it takes ${size} ports from there on).`
  );
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: '127.0.0.1' }, () => server.close(() => resolve(true)));
  });
}
