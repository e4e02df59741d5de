// What happens to a Grafana of somebody else's into which provisioning/ is copied. It needs GRAFANA_HOME and, for the
// region that works, the running lab that LAB_DIR and LAB_PORT_BASE name:
// node --import tsx --test lab/provisioning.itest.ts.
import assert from 'node:assert/strict';
import { type ResultPromise, execa } from 'execa';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { appId, datasourceType, datasourceUid, thanosDatasourceUid } from '../src/ids.ts';
import { labEnvironment } from './environment.ts';
import { isGrafanaHome } from './grafana/source.ts';
import { http } from './http.ts';
import { openLab } from './lab.ts';
import { grafanaAdmin, grafanaSettings } from './services/grafana.ts';

const home = process.env.GRAFANA_HOME ?? '';
const skip = isGrafanaHome(home) ? false : 'GRAFANA_HOME names no Grafana 12.2 or newer';
const lab = openLab();
const port = lab.portBase + 99;
const url = `http://127.0.0.1:${port}`;
const folder = mkdtempSync(path.join(tmpdir(), 'etcdfleet-grafana-'));
const provisioning = path.join(folder, 'provisioning');
const ours = path.join('datasources', 'etcd-fleet.yaml');

let running: ResultPromise<{ all: true; reject: false }> | undefined;

after(async () => {
  await stop();
  rmSync(folder, { recursive: true, force: true });
});

test('an earlier version of our files, none of whose variables is set, leaves Grafana running', { skip }, async () => {
  prepare();
  write(ours, read(ours).replace('isDefault: false', 'isDefault: true'));
  foreignDatasource({ isDefault: false });
  start({});
  await until(async () => (await datasources()).find(({ uid }) => uid === datasourceUid)?.isDefault === true);
  await until(async () => (await health()).body.includes('url: it is empty'));
  assert.deepEqual(await get('/api/search?type=dash-db'), [], 'no file of a foreign folder becomes a dashboard');
  await stop();
});

test('beside a default datasource Grafana starts, and the default stays', { skip }, async () => {
  cpSync(path.join(lab.root, 'provisioning'), provisioning, { recursive: true });
  // Somebody kept a copy of an older file, with one region.
  const older = read(ours)
    .replace(/\n {8}- name: sh\n(?: {10}.*\n)+/, '\n')
    .replace(/\n {6}sh\..*/g, '');
  write(path.join('datasources', 'a-copy-of-etcd-fleet.yaml'), older.replace('    uid:', '    version: 1\n    uid:'));
  foreignDatasource({ isDefault: true });
  const { ETCDFLEET_SH_URL, ETCDFLEET_SH_TOKEN, ETCDFLEET_SH_CA, ...oneRegion } = labEnvironment(lab);
  assert.ok(ETCDFLEET_SH_URL && ETCDFLEET_SH_TOKEN && ETCDFLEET_SH_CA, 'the lab has two regions');
  start(oneRegion);
  await until(async () => {
    const found = await datasources();
    const defaults = found.filter(({ isDefault }) => isDefault).map(({ name }) => name);
    const regions = found.filter(({ uid }) => uid === datasourceUid).map(({ jsonData }) => jsonData.regions?.length);
    return String(defaults) === 'Somebody’s' && String(regions) === '2';
  });
});

test('one region of two without settings leaves the other working, and says what is wrong', { skip }, async () => {
  await until(async () => {
    const { details } = JSON.parse((await health()).body) as {
      details: { checks: Array<{ name: string; ok: boolean; message: string }> };
    };
    const working = details.checks.filter(({ ok }) => ok).map(({ name }) => name);
    const broken = details.checks.find(({ name }) => name === 'sh');
    return String(working) === 'Thanos,gz' && broken!.message.includes('jsonData.regions[1].url: it is empty');
  });
  const answer = await request('/api/ds/query', {
    queries: [{ refId: 'A', kind: 'clusters', datasource: { uid: datasourceUid, type: datasourceType } }],
    from: 'now-5m',
    to: 'now',
  });
  const frame = JSON.parse(answer.body).results.A.frames[0];
  assert.ok(frame.data.values[0].length > 0);
  assert.deepEqual([...new Set(frame.data.values[0])], ['gz']);
  const notices = frame.schema.meta.notices.map(({ text }: { text: string }) => text);
  assert.match(notices.join('\n'), /Region sh is missing\. .*jsonData\.regions\[1\]\.url/);
});

test(
  'Grafana’s alerting pages list the rules of Thanos by the Prometheus datasource beside ours',
  { skip },
  async () => {
    const found = (await datasources()).find(({ uid }) => uid === thanosDatasourceUid);
    assert.equal(found?.url, lab.plan.thanosURL);
    await until(async () => {
      const { data } = (await get(`/api/prometheus/${thanosDatasourceUid}/api/v1/rules`)) as {
        data: { groups: Array<{ rules: Array<{ name: string; type: string }> }> };
      };
      const alerts = data.groups.flatMap(({ rules }) => rules.filter(({ type }) => type === 'alerting'));
      return alerts.some(({ name }) => name === 'EtcdManyClustersBurning');
    });
  }
);

function prepare() {
  mkdirSync(path.join(folder, 'plugins'), { recursive: true });
  symlinkSync(path.join(lab.root, 'dist'), path.join(folder, 'plugins', appId));
  writeFileSync(path.join(folder, 'grafana.ini'), '; Everything is in the environment.\n');
  cpSync(path.join(lab.root, 'provisioning'), provisioning, { recursive: true });
}

const read = (file: string) => readFileSync(path.join(provisioning, file), 'utf8');
const write = (file: string, text: string) => writeFileSync(path.join(provisioning, file), text);

function foreignDatasource({ isDefault }: { isDefault: boolean }) {
  const entry = { name: 'Somebody’s', uid: 'somebody', type: 'prometheus', url: 'http://127.0.0.1:1', isDefault };
  write(path.join('datasources', 'somebody.yaml'), JSON.stringify({ apiVersion: 1, datasources: [entry] }));
}

function start(environment: Record<string, string>) {
  running = execa(
    path.join(home, 'bin', 'grafana'),
    ['server', `--homepath=${home}`, `--config=${path.join(folder, 'grafana.ini')}`],
    {
      cwd: folder,
      env: {
        ...grafanaSettings(lab),
        GF_SERVER_HTTP_PORT: String(port),
        GF_PATHS_DATA: path.join(folder, 'data'),
        GF_PATHS_LOGS: path.join(folder, 'log'),
        GF_PATHS_PLUGINS: path.join(folder, 'plugins'),
        GF_PATHS_PROVISIONING: provisioning,
        ...environment,
      },
      all: true,
      reject: false,
      forceKillAfterDelay: 30_000,
    }
  );
}

async function stop() {
  running?.kill('SIGTERM');
  await running;
  running = undefined;
}

/** Waits until the condition holds; fails when Grafana ends, with the end of what it said. */
async function until(condition: () => Promise<boolean>) {
  let last: unknown = 'the condition does not hold';
  for (const deadline = Date.now() + 240_000; Date.now() < deadline; await sleep(500)) {
    if (running?.exitCode !== null && running?.exitCode !== undefined) {
      const { all } = await running;
      assert.fail(`Grafana has ended:\n${all.slice(-3000)}`);
    }
    try {
      if (await condition()) {
        return;
      }
    } catch (error) {
      last = error; // Grafana is not ready yet
    }
  }
  assert.fail(`it never came true: ${String(last)}`);
}

interface ProvisionedDatasource {
  uid: string;
  name: string;
  isDefault: boolean;
  url: string;
  jsonData: { regions?: unknown[] };
}

const datasources = () => get('/api/datasources') as Promise<ProvisionedDatasource[]>;
const health = () => request(`/api/datasources/uid/${datasourceUid}/health`);

async function get(address: string): Promise<unknown> {
  const { status, body } = await request(address);
  assert.equal(status, 200, body);
  return JSON.parse(body);
}

function request(address: string, body?: object) {
  const credentials = Buffer.from(`${grafanaAdmin.user}:${grafanaAdmin.password}`).toString('base64');
  return http(url + address, {
    method: body ? 'POST' : 'GET',
    headers: { Authorization: `Basic ${credentials}`, 'Content-Type': 'application/json' },
    body: body && JSON.stringify(body),
    timeoutMilliseconds: 30_000,
  });
}
