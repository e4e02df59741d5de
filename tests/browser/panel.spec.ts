/** The inspections panel with the real datasource and a real fleet of etcd clusters. */
import type { Locator, Page } from '@playwright/test';

import { expect, inspectionsTarget, test } from './hostPage.ts';

/** A single check, so that each row is a cluster. */
const target = { ...inspectionsTarget, checks: ['etcd-node-key-diff'] };
const panel = { targets: [target], options: { runTimeoutSeconds: 45 } };
const cell = (row: Locator, column: string) => row.locator(`td[data-column="${column}"]`);
const rowOf = (page: Page, cluster: string) => page.getByRole('row', { name: new RegExp(` ${cluster} `) });
const runsShown = async (row: Locator) => await row.getByRole('img').getAttribute('aria-label');

/** The end of the row's last run, from the machine-readable time of its cell. */
const lastRun = async (row: Locator) =>
  Date.parse((await cell(row, 'lastRun').locator('time').getAttribute('datetime')) ?? '');

for (const [theme, background] of [
  ['dark', 'rgb(17, 18, 23)'],
  ['light', 'rgb(244, 245, 245)'],
] as const) {
  test(`shows the inspections of every region, ${theme}`, async ({ host }) => {
    const page = await host.mountPanel(panel, { theme });
    await expect(page.locator('body')).toHaveCSS('background-color', background);
    for (const cluster of ['gz-etcd-default', 'gz-etcd-small', 'sh-etcd-default']) {
      const row = rowOf(page, cluster);
      await expect(cell(row, 'region')).toHaveText(cluster.slice(0, 2));
      await expect(cell(row, 'outcome')).toHaveText('Passed');
      await expect(cell(row, 'check')).toHaveText('etcd-node-key-diff');
      await expect(cell(row, 'message')).toContainText(cluster);
      expect(await runsShown(row)).toMatch(/last (\d+ )?runs?: \d+ Passed/);
    }
  });
}

test('runs one inspection and shows its record without a reload', async ({ host }) => {
  const page = await host.mountPanel(panel);
  const row = rowOf(page, 'gz-etcd-default');
  const before = await lastRun(row);
  // Record times are whole seconds.
  await expect.poll(() => Date.now() - before).toBeGreaterThan(1_000);
  await page.getByRole('button', { name: 'Run etcd-node-key-diff on gz-etcd-default now' }).click();
  await expect(cell(row, 'state')).toHaveText(/asking|queued|running/);
  await expect(cell(row, 'state')).toHaveText('idle', { timeout: 30_000 });
  expect(await lastRun(row)).toBeGreaterThan(before);
  await expect(cell(row, 'outcome')).toHaveText('Passed');
  await expect(page.getByRole('status').filter({ hasText: 'on gz-etcd-default: Passed' })).toBeAttached();
});

test('runs the selected inspections, by keyboard alone', async ({ host }) => {
  const page = await host.mountPanel(panel);
  const clusters = ['gz-etcd-small', 'sh-etcd-small'];
  await expect(page.getByRole('button', { name: 'Run selected (0)' })).toBeDisabled();
  for (const cluster of clusters) {
    await page.getByRole('checkbox', { name: `Select etcd-node-key-diff on ${cluster}` }).focus();
    await page.keyboard.press('Space');
  }
  await page.getByRole('button', { name: 'Run selected (2)' }).focus();
  await page.keyboard.press('Enter');
  for (const cluster of clusters) {
    await expect(cell(rowOf(page, cluster), 'state')).toHaveText(/asking|queued|running/);
  }
  for (const cluster of clusters) {
    await expect(cell(rowOf(page, cluster), 'state')).toHaveText('idle', { timeout: 30_000 });
  }
  await expect(page.getByRole('alert')).toHaveCount(0);
});

test('keeps the focus on the button that was pressed', async ({ host }) => {
  const page = await host.mountPanel(panel);
  const button = page.getByRole('button', { name: 'Run etcd-node-key-diff on gz-etcd-large now' });
  await button.focus();
  await page.keyboard.press('Enter');
  await expect(button).toBeDisabled();
  await expect(button).toBeEnabled({ timeout: 30_000 });
  await expect(button).toBeFocused();
});

test('shows viewers why they may not run inspections', async ({ host }) => {
  const page = await host.mountPanel(panel, { role: 'Viewer' });
  const button = page.getByRole('button', { name: 'Run etcd-node-key-diff on gz-etcd-default now' });
  await expect(button).toBeDisabled();
  await button.focus();
  await expect(page.getByRole('tooltip')).toContainText('Editor');
});

test('shows only the scope of its query', async ({ host }) => {
  const page = await host.mountPanel({ ...panel, targets: [{ ...target, scope: { region: ['$region'] } }] });
  await expect(rowOf(page, 'gz-etcd-default')).toBeVisible();
  await expect(page.locator('td[data-column="region"]').filter({ hasText: 'sh' })).toHaveCount(0);
});

test('joins the answers of several queries', async ({ host }) => {
  const scoped = (refId: string, region: string) => ({ ...target, refId, scope: { region: [region] } });
  const page = await host.mountPanel({ ...panel, targets: [scoped('A', 'sh'), scoped('B', 'gz')] });
  await expect(rowOf(page, 'sh-etcd-small')).toBeVisible();
  await expect(rowOf(page, 'gz-etcd-small')).toBeVisible();
});
