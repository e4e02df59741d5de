import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';

import { openLab } from '../lab.ts';
import { regionRuleFile } from '../slo/rule-files.ts';
import { labConfig } from './prometheus.ts';

const lab = openLab({});
const deployed = readFileSync(path.join(lab.root, 'deploy', 'prometheus', 'prometheus.yaml'), 'utf8');

interface Config {
  rule_files: string[];
  global: { scrape_interval: string; external_labels: Record<string, string> };
  scrape_configs: Array<{
    job_name: string;
    honor_labels?: boolean;
    http_sd_configs?: Array<{ url: string }>;
    static_configs?: Array<{ targets: string[] }>;
    relabel_configs?: Array<{ source_labels: string[]; regex: string; action: string }>;
  }>;
}

test('the lab’s configuration is the deployed one with loopback addresses and short intervals', () => {
  const [region] = lab.plan.regions;
  const config = parse(labConfig(lab, deployed, region)) as Config;
  const addresses = config.scrape_configs.flatMap((job) => [
    ...(job.http_sd_configs ?? []).map(({ url }) => url),
    ...(job.static_configs ?? []).flatMap(({ targets }) => targets),
  ]);
  assert.equal(config.global.scrape_interval, '5s');
  assert.deepEqual(addresses, [
    `http://127.0.0.1:${region.ports.operatorTargets}/v1/targets/etcd`,
    `127.0.0.1:${region.ports.cruiserMetrics}`,
    `127.0.0.1:${region.ports.operatorMetrics}`,
    `127.0.0.1:${region.ports.prometheus}`,
  ]);
});

test('a region evaluates the region’s part of the rules, as written by the lab', () => {
  assert.deepEqual(
    (parse(deployed) as Config).rule_files.map((file) => path.relative('/etc/etcd-fleet', file)),
    ['rules/recording/region.yaml']
  );
  assert.deepEqual((parse(labConfig(lab, deployed, lab.plan.regions[0])) as Config).rule_files, [regionRuleFile(lab)]);
});

test('external labels do not collide with the labels of etcd’s series', () => {
  const { external_labels } = (parse(deployed) as Config).global;
  assert.deepEqual(Object.keys(external_labels).sort(), ['prometheus', 'replica']);
});

test('only the job of the members leaves out clusters, and the deployed configuration leaves out none', () => {
  const [region] = lab.plan.regions;
  const rulesOf = (leftOut: string[]) =>
    (parse(labConfig(lab, deployed, region, leftOut)) as Config).scrape_configs.flatMap((job) =>
      (job.relabel_configs ?? []).map((rule) => ({ job: job.job_name, ...rule }))
    );
  assert.deepEqual(rulesOf([]), []);
  assert.deepEqual(rulesOf(['gz-a', 'gz-b']), [
    { job: 'etcd', source_labels: ['cluster'], regex: 'gz-a|gz-b', action: 'drop' },
  ]);
});
