import { dashboardUids, datasourceType, datasourceUid } from '../ids.ts';
import { expect, test } from './grafana.ts';

test('the configuration is shown, and its test names Thanos and both regions', async ({
  gotoDataSourceConfigPage,
  page,
}) => {
  await gotoDataSourceConfigPage(datasourceUid);
  await expect(page.getByLabel(/^URL/)).toBeDisabled();
  await expect(page.getByText('Region gz')).toBeVisible();
  await expect(page.getByText('Region sh')).toBeVisible();
  await page.getByRole('button', { name: 'Test', exact: true }).click();
  await expect(page.getByText(/Thanos: works.*gz: works.*sh: works/s).first()).toBeVisible();
});

test('an invalid configuration is refused with the reason', async ({ createDataSourceConfigPage, page }) => {
  const { datasource } = await createDataSourceConfigPage({ type: datasourceType });
  await page.getByLabel(/^URL/).fill('http://127.0.0.1:1');
  await page.getByRole('button', { name: 'Add region' }).click();
  await page.getByLabel(/^Name \*/).fill('gz');
  await page.getByLabel(/^API URL/).fill('https://127.0.0.1:1');
  await page.getByRole('textbox', { name: /^Token/ }).fill('wrong');
  await page.getByRole('button', { name: 'Save & test' }).click();
  await expect(page.getByText(/Thanos: .*gz: /s).first()).toBeVisible();
  const removal = await page.request.delete(`/api/datasources/uid/${datasource.uid}`);
  expect(removal.ok()).toBe(true);
});

for (const [kind, query, column] of [
  ['promql', { expr: 'up{job="etcd"}', mode: 'instant' }, 'member'],
  ['clusters', {}, 'health'],
  ['inspections', {}, 'outcome'],
  ['diagnosis', { scope: { region: ['gz'], cluster: ['gz-etcd-default'] } }, 'statement'],
] as const) {
  test(`a query of the kind ${kind} is answered with the column ${column}`, async ({ page }) => {
    const target = { refId: 'A', kind, ...query, datasource: { type: datasourceType, uid: datasourceUid } };
    const panes = { a: { datasource: datasourceUid, queries: [target], range: { from: 'now-15m', to: 'now' } } };
    const answer = page.waitForResponse((response) => response.url().includes('/api/ds/query'));
    await page.goto(`/explore?schemaVersion=1&orgId=1&panes=${encodeURIComponent(JSON.stringify(panes))}`);
    const { results } = await (await answer).json();
    expect(results.A.error).toBeUndefined();
    const names = results.A.frames[0].schema.fields.map(({ name }: { name: string }) => name);
    expect(names).toContain(column);
    expect(results.A.frames[0].data.values[0].length).toBeGreaterThan(0);
    await expect(page.getByTestId('query-editor-row').getByRole('combobox', { name: /^Query/ })).toBeVisible();
  });
}

test('variables offer the inventory', async ({ gotoDashboardPage, page }) => {
  await gotoDashboardPage({ uid: dashboardUids.cluster });
  await page.getByText('Cluster', { exact: true }).locator('xpath=following-sibling::*').click();
  for (const cluster of ['gz-etcd-small', 'gz-etcd-default', 'gz-etcd-large']) {
    await expect(page.getByRole('option', { name: cluster })).toBeVisible();
  }
});
