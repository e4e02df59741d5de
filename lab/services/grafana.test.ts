import assert from 'node:assert/strict';
import { test } from 'node:test';

import { createCredentials, tokenOf } from '../credentials.ts';
import { temporaryLab } from '../testing.ts';
import { grafana } from './grafana.ts';

test('no process starts for an existing Grafana or for none', (t) => {
  const lab = temporaryLab(t);
  assert.deepEqual(grafana(lab, { kind: 'url', url: 'http://grafana' }), []);
  assert.deepEqual(grafana(lab, { kind: 'none', reasons: [] }), []);
});

for (const source of [{ kind: 'home', home: '/opt/grafana' }, { kind: 'docker' }] as const) {
  test(`with the source ${source.kind} secrets are in the environment and on no command line`, async (t) => {
    const lab = temporaryLab(t);
    await createCredentials(lab);
    const token = tokenOf(lab, lab.plan.regions[0], 'etcdfleet-datasource');
    const [service] = grafana(lab, source);
    assert.equal(service.env?.().ETCDFLEET_GZ_TOKEN, token);
    assert.ok(!service.args.join(' ').includes(token));
  });
}

test('Docker gets every variable by name', async (t) => {
  const lab = temporaryLab(t);
  await createCredentials(lab);
  const [service] = grafana(lab, { kind: 'docker' });
  for (const name of Object.keys(service.env?.() ?? {})) {
    assert.ok(service.args.includes(`--env=${name}`), name);
  }
});
