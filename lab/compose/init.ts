// The jobs of docker-compose.yaml. `credentials` writes certificates, tokens and settings before anything starts;
// `objects` applies definitions, roles, policies and clusters once the API servers answer.
import { setTimeout as sleep } from 'node:timers/promises';

import { createCredentials } from '../credentials.ts';
import { writeEnvironmentFile } from '../environment.ts';
import { reasonOf } from '../failure.ts';
import { httpOk } from '../http.ts';
import { openLab } from '../lab.ts';
import { kubernetesServer } from '../services/etcd-apiserver.ts';
import { etcdObjects } from '../services/etcd-objects.ts';
import { traffic } from '../services/traffic.ts';
import { composePlan } from './plan.ts';

const apiServerSeconds = 120;

const opened = openLab();
const lab = { ...opened, plan: composePlan(opened.plan) };

const jobs: Record<string, () => Promise<void>> = { credentials, objects };
const job = jobs[process.argv[2]];
if (!job) {
  throw new Error(`Which job? One of: ${Object.keys(jobs).join(', ')}`);
}
await job();

async function credentials(): Promise<void> {
  await createCredentials(lab);
  writeEnvironmentFile(lab);
  await traffic(lab).prepare?.();
}

async function objects(): Promise<void> {
  const { signal } = new AbortController();
  await Promise.all(
    lab.plan.regions.map(async (region) => {
      await untilReady(() => httpOk(`${region.apiServerURL}/readyz`, authorized(kubernetesServer(lab, region))));
      await etcdObjects(lab, region).run(signal);
      console.log(`applied the objects of ${region.name}`);
    })
  );
}

const authorized = ({ ca, token }: { ca: string; token: string }) => ({
  ca,
  headers: { authorization: `Bearer ${token}` },
});

async function untilReady(probe: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + apiServerSeconds * 1000;
  for (;;) {
    try {
      await probe();
      return;
    } catch (error) {
      if (Date.now() > deadline) {
        throw new Error(`not ready after ${apiServerSeconds} s: ${reasonOf(error)}`);
      }
      await sleep(1000);
    }
  }
}
