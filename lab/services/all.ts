import { LabFailure } from '../failure.ts';
import { type GrafanaSource, rememberedGrafana } from '../grafana/source.ts';
import type { Lab } from '../lab.ts';
import type { Service, Task } from '../supervisor/service.ts';
import { alertmanager } from './alertmanager.ts';
import { cruiser } from './cruiser.ts';
import { etcdApiserver } from './etcd-apiserver.ts';
import { etcdMembers } from './etcd-member.ts';
import { etcdObjects } from './etcd-objects.ts';
import { firstInspections } from './first-inspections.ts';
import { firstScrapes } from './first-scrapes.ts';
import { fleet } from './fleet.ts';
import { grafana } from './grafana.ts';
import { grafanaAccountsTask } from './grafana-accounts.ts';
import { kubeApiservers } from './kube-apiserver.ts';
import { operator } from './operator.ts';
import { prometheus } from './prometheus.ts';
import { sloRules } from './slo-rules.ts';
import { thanosQuery, thanosRule, thanosSidecar } from './thanos.ts';
import { traffic } from './traffic.ts';

/** Every process of the lab. */
export function allServices(lab: Lab, source: GrafanaSource = rememberedGrafana(lab)): Service[] {
  return [
    ...lab.plan.regions.flatMap((region) => etcdApiserver(lab, region)),
    ...grafana(lab, source), // slow to start, so among the first
    ...fleet(lab, source),
    ...etcdMembers(lab),
    traffic(lab),
    ...lab.plan.regions.flatMap((region) => [
      ...kubeApiservers(lab, region),
      operator(lab, region),
      cruiser(lab, region),
      prometheus(lab, region),
      thanosSidecar(lab, region),
    ]),
    thanosQuery(lab),
    alertmanager(lab),
    thanosRule(lab),
  ];
}

/** The tasks that run between the starts of services. */
export function allTasks(lab: Lab, source: GrafanaSource): Task[] {
  return [
    ...lab.plan.regions.flatMap((region) => [etcdObjects(lab, region), firstInspections(lab, region)]),
    firstScrapes(lab),
    sloRules(lab),
    ...(grafana(lab, source).length > 0 ? [grafanaAccountsTask(lab)] : []),
  ];
}

export function serviceNamed(lab: Lab, name: string): Service {
  const services = allServices(lab);
  const service = services.find((candidate) => candidate.name === name);
  if (!service) {
    throw new LabFailure(
      `There is no process ${name}.`,
      `Use one of: ${services.map((each) => each.name).join(', ')}.`
    );
  }
  return service;
}
