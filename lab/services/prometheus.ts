import { readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { type Document, parseDocument, stringify } from 'yaml';

import { authorityFile, tokenOf } from '../credentials.ts';
import { httpOk } from '../http.ts';
import { type Lab, dataDir, etcFile, program } from '../lab.ts';
import type { PlannedRegion } from '../plan.ts';
import { writePrivateFile } from '../private-file.ts';
import { regionRuleFile } from '../slo/rule-files.ts';
import { scrapeInterval } from '../slo/timing.ts';
import type { Service } from '../supervisor/service.ts';
import { operatorName } from './operator.ts';

/** The region's Prometheus: deploy/prometheus/prometheus.yaml with the lab's addresses and shorter intervals. */
export function prometheus(lab: Lab, region: PlannedRegion): Service {
  const name = prometheusName(region);
  const address = `127.0.0.1:${region.ports.prometheus}`;
  return {
    name,
    needs: [operatorName(region)],
    command: program(lab, 'prometheus'),
    args: [
      `--config.file=${configFile(lab, region)}`,
      `--storage.tsdb.path=${dataDir(lab, name)}`,
      '--storage.tsdb.retention.time=2d',
      `--web.listen-address=${address}`,
      '--web.enable-lifecycle',
      '--log.level=warn',
    ],
    env: () => ({ PROMETHEUS: region.name, REPLICA: 'a' }),
    ports: { http: region.ports.prometheus },
    watches: [deployedConfig(lab)],
    prepare() {
      rmSync(regionRuleFile(lab), { force: true }); // written again after all members have been scraped
      writeApiserverTargets(lab, region);
      writeThanosRuleTargets(lab, region);
      writePrivateFile(configFile(lab, region), labConfig(lab, readFileSync(deployedConfig(lab), 'utf8'), region));
    },
    probe: () => httpOk(`http://${address}/-/ready`),
  };
}

export const prometheusName = (region: PlannedRegion) => `${region.name}-prometheus`;
export const prometheusURL = (region: PlannedRegion) => `http://127.0.0.1:${region.ports.prometheus}`;

const configFile = (lab: Lab, region: PlannedRegion) => etcFile(lab, region.name, 'prometheus.yaml');

const apiserversDir = (lab: Lab, region: PlannedRegion) => etcFile(lab, region.name, 'kube-apiservers');

/** Writes the targets of the job kube-apiserver and their credentials. */
function writeApiserverTargets(lab: Lab, region: PlannedRegion): void {
  const targets = region.clusters.flatMap(({ kubernetes, product, scene, specification, name }) =>
    kubernetes
      ? [
          {
            targets: [new URL(kubernetes.url).host],
            labels: {
              ...{ region: region.name, product, scene, spec: specification, cluster: name },
              kubernetes_cluster: kubernetes.name,
            },
          },
        ]
      : []
  );
  const write = (file: string, text: string) => writePrivateFile(path.join(apiserversDir(lab, region), file), text);
  write('targets.yaml', stringify(targets));
  write('token', tokenOf(lab, region, 'prometheus'));
  write('ca.crt', readFileSync(authorityFile(lab), 'utf8'));
}

const thanosRuleDir = (lab: Lab, region: PlannedRegion) => etcFile(lab, region.name, 'thanos-rule');

/** Writes the target of the job thanos-rule, in the first region only: all regions share one Thanos rule. */
function writeThanosRuleTargets(lab: Lab, region: PlannedRegion): void {
  const targets = region === lab.plan.regions[0] ? [{ targets: [`127.0.0.1:${lab.plan.ports.ruleHttp}`] }] : [];
  writePrivateFile(path.join(thanosRuleDir(lab, region), 'targets.yaml'), stringify(targets));
}

const deployedConfig = (lab: Lab) => path.join(lab.root, 'deploy', 'prometheus', 'prometheus.yaml');

/** Makes a running Prometheus drop the targets of some clusters, as a mistake in its configuration does. */
export async function scrapeAllBut(lab: Lab, region: PlannedRegion, clusters: string[]): Promise<void> {
  writePrivateFile(
    configFile(lab, region),
    labConfig(lab, readFileSync(deployedConfig(lab), 'utf8'), region, clusters)
  );
  await httpOk(`${prometheusURL(region)}/-/reload`, { method: 'POST', timeoutMilliseconds: reloadMilliseconds });
}

const reloadMilliseconds = 30_000;

/** Returns the deployed configuration, changed for a region of the lab, without the targets of some clusters. */
export function labConfig(lab: Lab, deployed: string, region: PlannedRegion, leftOut: string[] = []): string {
  const { ports } = region;
  const places: Record<string, string> = {
    'prometheus:9090': `127.0.0.1:${ports.prometheus}`,
    'cruiser:8080': `127.0.0.1:${ports.cruiserMetrics}`,
    'operator:8080': `127.0.0.1:${ports.operatorMetrics}`,
    'operator:8082': `127.0.0.1:${ports.operatorTargets}`,
    '/etc/etcd-fleet/kube-apiservers': apiserversDir(lab, region),
    '/etc/etcd-fleet/thanos-rule': thanosRuleDir(lab, region),
  };
  let text = deployed;
  for (const [deployedPlace, place] of Object.entries(places)) {
    text = text.replaceAll(deployedPlace, place);
  }
  const document = parseDocument(text);
  document.setIn(['global', 'scrape_interval'], scrapeInterval);
  document.setIn(['global', 'scrape_timeout'], '4s');
  document.setIn(['global', 'evaluation_interval'], scrapeInterval);
  document.set('rule_files', [regionRuleFile(lab)]);
  if (leftOut.length > 0) {
    const drop = { source_labels: ['cluster'], regex: leftOut.join('|'), action: 'drop' };
    document.setIn(['scrape_configs', jobNumber(document, 'etcd'), 'relabel_configs'], [drop]);
  }
  return document.toString();
}

function jobNumber(config: Document, name: string): number {
  const { scrape_configs: jobs } = config.toJS() as { scrape_configs: Array<{ job_name: string }> };
  const number = jobs.findIndex((job) => job.job_name === name);
  if (number < 0) {
    throw new Error(`deploy/prometheus/prometheus.yaml has no job ${name}`);
  }
  return number;
}
