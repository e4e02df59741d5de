/** Checks the contents of the built modules. */
import { expect, test } from '@playwright/test';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const dist = path.resolve(import.meta.dirname, '../../dist');

/** The libraries of the project that Grafana 12.2.0 shares; react/jsx-runtime came with 12.2.5. */
const shared = [
  '@emotion/css',
  '@grafana/data',
  '@grafana/runtime',
  '@grafana/ui',
  'lodash',
  'module',
  'moment',
  'react',
  'react-dom',
  'react-router',
  'rxjs',
];

for (const folder of ['.', 'datasource', 'panels/inspections']) {
  test.describe(`the module in ${folder}`, () => {
    test('uses only libraries that Grafana 12.2.0 shares', () => {
      const dependencies = dependenciesOf(readModule(folder));
      expect(dependencies).toContain('react');
      expect(dependencies.filter((name) => !shared.includes(name))).toEqual([]);
    });

    test('has its plugin.json and its logo', () => {
      const { info } = JSON.parse(readFileSync(path.join(dist, folder, 'plugin.json'), 'utf8'));
      expect(existsSync(path.join(dist, folder, info.logos.small))).toBe(true);
    });
  });
}

for (const folder of ['datasource', 'panels/inspections']) {
  test(`the nested module in ${folder} is one file`, () => {
    const scripts = readdirSync(path.join(dist, folder), { recursive: true, encoding: 'utf8' });
    expect(scripts.filter((name) => name.endsWith('.js'))).toEqual(['module.js']);
  });
}

test('the files of the app keep their names from build to build', () => {
  const scripts = readdirSync(dist).filter((name) => name.endsWith('.js'));
  expect(scripts.sort()).toEqual(['app.js', 'cluster.js', 'configuration.js', 'module.js', 'workbench.js']);
});

function readModule(folder: string): string {
  const file = path.join(dist, folder, 'module.js');
  if (!existsSync(file)) {
    throw new Error('The plugins are not built: run npm run build.');
  }
  return readFileSync(file, 'utf8');
}

function dependenciesOf(script: string): string[] {
  const list = /\bdefine\((\[[^\]]*\])/.exec(script)?.[1];
  return JSON.parse(list ?? '[]');
}
