import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { test } from 'node:test';
import { parse } from 'yaml';

import { pinOf, toolsNamed } from '../build/tools.ts';
import { openLab } from '../lab.ts';
import { allClusters } from '../plan.ts';
import { thanosQuery, thanosRule } from '../services/thanos.ts';
import { etcdVersion, grafanaVersion } from '../topology.ts';
import { composePlan } from './plan.ts';

interface ComposeService {
  image: string;
  command?: string[];
  build?: { target: string };
  environment?: Record<string, string | number>;
  ports?: string[];
  volumes?: string[];
  healthcheck?: unknown;
}

const { root, plan } = openLab({});
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');
const compose = parse(read('docker-compose.yaml'), { merge: true, maxAliasCount: -1 }) as {
  services: Record<string, ComposeService>;
  volumes: Record<string, null>;
};
const services = Object.entries(compose.services);
const imagesOf = (name: RegExp) =>
  new Set(services.filter(([service]) => name.test(service)).map(([, { image }]) => image));
const pinned = (tool: string) => {
  const [{ module, package: packagePath }] = toolsNamed([tool]);
  return pinOf(read(`lab/tools/${module}/go.mod`), packagePath).version;
};

test('every member of the lab’s topology is a service with the lab’s settings', () => {
  for (const cluster of allClusters(composePlan(plan))) {
    const peers = cluster.members.map(({ name, peerURL }) => `${name}=${peerURL}`).join(',');
    for (const { name, clientURL, peerURL } of cluster.members) {
      const environment = compose.services[name].environment ?? {};
      assert.equal(environment.ETCD_NAME, name);
      assert.equal(environment.ETCD_ADVERTISE_CLIENT_URLS, clientURL);
      assert.equal(environment.ETCD_INITIAL_ADVERTISE_PEER_URLS, peerURL);
      assert.equal(environment.ETCD_INITIAL_CLUSTER, peers);
      assert.equal(environment.ETCD_QUOTA_BACKEND_BYTES, cluster.quotaBytes);
      assert.equal(environment.ETCD_METRICS, cluster.metrics);
    }
  }
});

test('images have the versions that the lab builds', () => {
  assert.deepEqual(imagesOf(/-etcd-.*-\d$|-store$/), new Set([`quay.io/coreos/etcd:v${etcdVersion}`]));
  assert.deepEqual(
    imagesOf(/-etcd-apiserver$/),
    new Set([`registry.k8s.io/kube-apiserver:${pinned('kube-apiserver')}`])
  );
  assert.deepEqual(imagesOf(/^alertmanager$/), new Set([`prom/alertmanager:${pinned('alertmanager')}`]));
  assert.deepEqual(imagesOf(/thanos/), new Set([`quay.io/thanos/thanos:${pinned('thanos')}`]));
  // The module v0.305.0 is the release v3.5.0.
  const [, prometheusMinor, prometheusPatch] = /^v0\.3(\d\d)\.(\d+)$/.exec(pinned('prometheus')) ?? [];
  assert.deepEqual(
    imagesOf(/prometheus/),
    new Set([`prom/prometheus:v3.${Number(prometheusMinor)}.${prometheusPatch}`])
  );
  assert.match(read('deploy/docker/Dockerfile'), new RegExp(`^FROM grafana/grafana:${grafanaVersion} `, 'm'));
  assert.match(read('deploy/docker/Dockerfile'), new RegExp(`^FROM golang:${goVersion()}-`, 'm'));
});

test('Thanos rule and query have the lab’s flags and their own addresses', () => {
  const lab = openLab({});
  for (const { name, args } of [thanosRule(lab), thanosQuery(lab)]) {
    const places =
      /--(log\.level|(http|grpc)-(address|grace-period)|data-dir|query|alertmanagers\.url|alert\.query-url|rule-file|endpoint\.sd-config-file)=/;
    const settings = (flags: string[]) => flags.filter((flag) => !places.test(flag));
    assert.deepEqual(settings(compose.services[name].command ?? []), settings(args), name);
  }
  assert.deepEqual(parse(read('deploy/thanos/endpoints.yaml')), {
    endpoints: ['gz-thanos-sidecar', 'sh-thanos-sidecar', 'thanos-rule'].map((host) => ({
      address: `${host}:10901`,
      strict: true,
    })),
  });
});

test('ports are published on loopback only', () => {
  const published = services.flatMap(([, { ports = [] }]) => ports);
  assert.ok(published.length > 0);
  assert.deepEqual(
    published.filter((port) => !port.startsWith('127.0.0.1:')),
    []
  );
});

test('every service has a health check except the jobs and the API servers, whose image holds no HTTP client', () => {
  const without = services.filter(([, { healthcheck }]) => !healthcheck).map(([name]) => name);
  assert.deepEqual(without, ['credentials', 'objects', 'gz-etcd-apiserver', 'sh-etcd-apiserver']);
});

test('our own images are built from a target of the Dockerfile, volumes are declared and files exist', () => {
  const dockerfile = read('deploy/docker/Dockerfile');
  for (const [name, { image, build, volumes = [] }] of services) {
    assert.equal(image.startsWith('etcdfleet/'), build !== undefined, name);
    assert.ok(!build || dockerfile.includes(` AS ${build.target}\n`), name);
    for (const [source] of volumes.map((volume) => volume.split(':'))) {
      assert.ok(source.startsWith('./') ? existsSync(path.join(root, source)) : source in compose.volumes, source);
    }
  }
});

function goVersion(): string {
  return /^go (\S+)$/m.exec(read('go.mod'))![1];
}
