import assert from 'node:assert/strict';
import { test } from 'node:test';

import { type GrafanaCandidates, chooseGrafana, systemHome } from './source.ts';

const everything: GrafanaCandidates = {
  isHome: () => true,
  dockerProblem: () => Promise.resolve(undefined),
  download: () => Promise.resolve('/downloaded'),
};
const noSystemHome = { ...everything, isHome: (folder: string) => folder !== systemHome };
const noDocker = { ...noSystemHome, dockerProblem: () => Promise.resolve('no Docker engine') };
const nothing = { ...noDocker, download: () => Promise.reject(new Error('no network')) };

for (const { name, environment, candidates, want } of [
  {
    name: 'GRAFANA_URL comes first',
    environment: { GRAFANA_URL: 'http://grafana', GRAFANA_HOME: '/home' },
    candidates: everything,
    want: { kind: 'url', url: 'http://grafana' },
  },
  {
    name: 'then GRAFANA_HOME',
    environment: { GRAFANA_HOME: '/home' },
    candidates: everything,
    want: { kind: 'home', home: '/home' },
  },
  {
    name: 'then the installed one',
    environment: {},
    candidates: everything,
    want: { kind: 'home', home: systemHome },
  },
  { name: 'then Docker', environment: {}, candidates: noSystemHome, want: { kind: 'docker' } },
  {
    name: 'then a download',
    environment: {},
    candidates: noDocker,
    want: { kind: 'home', home: '/downloaded' },
  },
  {
    name: 'none as a last resort, with every reason',
    environment: {},
    candidates: nothing,
    want: {
      kind: 'none',
      reasons: [
        'GRAFANA_URL and GRAFANA_HOME are not set',
        `there is none in ${systemHome}`,
        'no Docker engine',
        'no network',
      ],
    },
  },
  {
    name: 'none if it is switched off, whatever is available',
    environment: { LAB_GRAFANA: 'off', GRAFANA_URL: 'http://grafana' },
    candidates: everything,
    want: { kind: 'none', reasons: ['LAB_GRAFANA is off'] },
  },
]) {
  test(name, async () => assert.deepEqual(await chooseGrafana(environment, candidates), want));
}

test('a GRAFANA_HOME without a Grafana is an error, not a reason to look elsewhere', async () => {
  const candidates = { ...everything, isHome: () => false };
  await assert.rejects(chooseGrafana({ GRAFANA_HOME: '/wrong' }, candidates), {
    message: /GRAFANA_HOME is \/wrong, which is not a Grafana/,
  });
});
