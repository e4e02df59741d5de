// Names with what addresses encode, clicked through.
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { dashboardUids, datasourceUid } from '../ids.ts';
import { expect, test } from './grafana.ts';
import { lab, noLab, root } from './lab.ts';

const { panels } = JSON.parse(readFileSync(path.join(root, 'dashboards/tier3-cluster.json'), 'utf8')) as {
  panels: Array<{ id: number; title: string }>;
};
const members = panels.find(({ title }) => title === 'Members')!.id;

const odd = (name: string) => `${name} & #1/2 "北" +%`;

test.skip(!process.env.LAB_DIR, noLab);

test.beforeAll(() => lab('fault', 'odd-names', 'gz'));
test.afterAll(() => lab('heal', 'odd-names'));

test('a scene and a host with odd names survive the ways between dashboards', async ({ page }) => {
  const variable = (name: string) => new URL(page.url()).searchParams.get(`var-${name}`);
  const oddCluster = `var-datasource=${datasourceUid}&var-region=gz&var-cluster=odd-names`;
  await page.goto(`/d/${dashboardUids.cluster}?${oddCluster}&viewPanel=${members}`);
  await page
    .getByRole('link', { name: odd('gz-node-1') })
    .first()
    .click();
  await expect(page.getByRole('link', { name: odd('gz-node-1') }).first()).toBeVisible();
  expect(variable('host')).toBe(odd('gz-node-1'));

  await page.getByRole('link', { name: 'odd-names' }).first().click();
  await page
    .getByRole('link', { name: odd('scene') })
    .first()
    .click();
  await expect.poll(() => variable('scene')).toBe(odd('scene'));
  expect(new URL(page.url()).pathname).toContain(dashboardUids.scene);
  await expect(page.getByRole('link', { name: 'odd-names' }).first()).toBeVisible();
});
