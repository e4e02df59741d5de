// Names with what addresses encode, clicked through.
import { readFileSync } from 'node:fs';
import path from 'node:path';

import { dashboardUids, datasourceUid } from '../ids.ts';
import { expect, test } from './grafana.ts';
import { lab, noLab, root } from './lab.ts';

/** The id of a panel in a file of dashboards/. A panel below the fold is not drawn, so that it is opened alone. */
function panelId(file: string, title: string): number {
  const { panels } = JSON.parse(readFileSync(path.join(root, 'dashboards', file), 'utf8')) as {
    panels: Array<{ id: number; title: string }>;
  };
  return panels.find((panel) => panel.title === title)!.id;
}

const odd = (name: string) => `${name} & #1/2 "北" +%`;

test.skip(!process.env.LAB_DIR, noLab);

test.beforeAll(() => lab('fault', 'odd-names', 'gz'));
test.afterAll(() => lab('heal', 'odd-names'));

test('a host with an odd name survives the way from a cluster to the jitter of hosts', async ({ page }) => {
  const variable = (name: string) => new URL(page.url()).searchParams.get(`var-${name}`);
  const oddCluster = `var-datasource=${datasourceUid}&var-region=gz&var-cluster=odd-names`;
  await page.goto(`/d/${dashboardUids.cluster}?${oddCluster}&viewPanel=${panelId('tier3-cluster.json', 'Members')}`);
  await page
    .getByRole('link', { name: odd('gz-node-1') })
    .first()
    .click();
  await expect(page.getByRole('link', { name: odd('gz-node-1') }).first()).toBeVisible();
  expect(variable('host')).toBe(odd('gz-node-1'));
  await expect(page.getByRole('link', { name: 'odd-names' }).first()).toBeVisible();
});

test('a scene with an odd name survives the way from tier 1 to its dashboard', async ({ page }) => {
  const clusters = panelId('tier1-overview.json', 'Clusters, worst first');
  await page.goto(`/d/${dashboardUids.overview}?var-datasource=${datasourceUid}&viewPanel=${clusters}`);
  await page
    .getByRole('link', { name: odd('scene') })
    .first()
    .click();
  await expect(page).toHaveURL(new RegExp(`/d/${dashboardUids.scene}/`));
  // The cluster's first scrapes and rules may take a while: what is asked for is that the scene is the chosen one.
  await expect(page.getByText(odd('scene')).first()).toBeVisible();
  expect(new URL(page.url()).searchParams.get('var-scene')).toBe(odd('scene'));
});
