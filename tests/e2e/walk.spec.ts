/**
 * Walks every panel of every dashboard and every page of the app, 1280 wide with the menu docked, in the states in which
 * a person meets them. A fault is: an error of a panel, an empty panel that does not say why, a column that is cut, an error in
 * the console.
 */
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

import type { Page, Request } from '@playwright/test';

import { appId, datasourceUid } from '../ids.ts';
import { expect, test } from './grafana.ts';
import { lab, noLab, root } from './lab.ts';

const clusterPage = `/a/${appId}/cluster`;

/** Every page of the app; that of a cluster before one is chosen, with one, and with one that nobody knows. */
const pages = [
  `/a/${appId}/fleet`,
  `/a/${appId}/workbench`,
  clusterPage,
  `${clusterPage}?datasource=${datasourceUid}&region=gz&cluster=gz-etcd-default`,
  `${clusterPage}?datasource=${datasourceUid}&region=gz&cluster=gz-etcd-9`,
];

/** Every dashboard, and the titles of its panels. */
const dashboards = readdirSync(path.join(root, 'dashboards'))
  .filter((file) => file.endsWith('.json') && file !== 'package.json')
  .map((file) => JSON.parse(readFileSync(path.join(root, 'dashboards', file), 'utf8')) as Dashboard)
  .map(({ uid, panels }) => ({
    uid,
    titles: [...new Set(panels.filter(({ type }) => type !== 'row').map(({ title }) => title))].sort(),
  }));

interface Dashboard {
  uid: string;
  panels: Array<{ type: string; title: string }>;
}

interface State {
  name: string;
  /** What happens in the lab meanwhile, if anything. */
  fault?: string[];
  /** Values of the dashboards' variables. */
  variables: string;
}

const one = 'var-region=gz&var-cluster=gz-etcd-default&var-kubernetes=gz-tke-1&var-scene=business&var-host=gz-node-0';

const states: State[] = [
  { name: 'everything', variables: '' },
  { name: 'one cluster', variables: one },
  {
    name: 'nothing there',
    variables: 'var-region=nowhere&var-cluster=none&var-kubernetes=none&var-scene=none&var-host=none',
  },
  { name: 'a region away', variables: one, fault: ['stop-api', 'gz'] },
  { name: 'a store of Thanos away', variables: '', fault: ['stop-sidecar', 'sh'] },
];

for (const { name, fault, variables } of states) {
  test.describe(name, () => {
    test.skip(Boolean(fault) && !process.env.LAB_DIR, noLab);
    test.setTimeout(600_000);
    test.use({ viewport: { width: 1280, height: 5000 } });
    if (fault) {
      test.beforeAll(() => lab('fault', ...fault));
      test.afterAll(() => lab('heal', ...fault));
    }

    test(`every panel and page is whole with ${name}`, async ({ page }) => {
      const faults: string[] = [];
      const asked = new Asked(page);
      let place = '';
      page.on('console', (message) => {
        // Grafana asks for each dashboard whether it is public, and is answered 404; a health that is bad is answered 400. One of
        // its own libraries reports itself to the Internet, now and then.
        const isExpected = /\/public-dashboards|\/health|openfpcdn\.io/.test(message.location().url);
        if (message.type() === 'error' && !isExpected) {
          faults.push(`${place}: console: ${message.text()} ${message.location().url}`);
        }
      });
      page.on('pageerror', (error) => faults.push(`${place}: ${error.message}`));
      for (const { uid, titles } of dashboards) {
        place = uid;
        await page.goto(`/d/${uid}?var-datasource=${datasourceUid}&${variables}`);
        const drawn = async () => [...new Set((await panelsOf(page)).map(({ title }) => title))].sort();
        await expect.poll(drawn, `the panels of ${uid}`).toEqual(titles);
        await settle(page, asked);
        const wrong = (await panelsOf(page)).filter(({ fault }) => fault !== '');
        faults.push(...wrong.map(({ title, fault }) => `${uid}: ${title}: ${fault}`));
      }
      for (const address of pages) {
        place = address;
        await page.goto(address);
        await expect(page.getByRole('heading').first()).toBeVisible();
        await settle(page, asked);
        const wrong = (await panelsOf(page)).filter(({ fault }) => fault !== '');
        faults.push(...wrong.map(({ title, fault }) => `${address}: ${title}: ${fault}`));
        const width = await page.evaluate(() => document.documentElement.scrollWidth);
        faults.push(...(width > 1280 ? [`${address}: needs ${width} px of 1280`] : []));
      }
      expect(faults).toEqual([]);
    });
  });
}

/**
 * Waits until nothing is asked of Grafana any more: panels ask one after the other. The network is never idle where a panel
 * has workers, because Chromium does not end the requests for their code.
 */
async function settle(page: Page, asked: Asked): Promise<void> {
  await expect.poll(() => asked.isQuiet(), 'nothing is asked for').toBe(true);
  await expect(page.getByLabel('Panel loading bar')).toHaveCount(0);
}

/** The requests of a page to Grafana's API. */
class Asked {
  private readonly open = new Set<Request>();
  private last = Date.now();

  constructor(page: Page) {
    page.on('request', (request) => request.url().includes('/api/') && this.note(() => this.open.add(request)));
    const close = (request: Request) => this.note(() => this.open.delete(request));
    page.on('requestfinished', close);
    page.on('requestfailed', close);
  }

  private note(change: () => void): void {
    change();
    this.last = Date.now();
  }

  isQuiet(): boolean {
    return this.open.size === 0 && Date.now() - this.last > quietMilliseconds;
  }
}

const quietMilliseconds = 1500;

/** The panels that are drawn, and what is wrong with each; all are, because the window is as high as the page. */
function panelsOf(page: Page): Promise<Array<{ title: string; fault: string }>> {
  return page.evaluate(() => {
    const faultOf = (panel: HTMLElement): string => {
      const status = panel.querySelector('[data-testid="data-testid Panel status error"]');
      if (status) {
        return `an error: ${status.getAttribute('aria-label') ?? ''}`;
      }
      const message = panel.querySelector('[data-testid="data-testid Panel data error message"]')?.textContent?.trim();
      if (message !== undefined && ['', '–', 'No data'].includes(message)) {
        return 'empty, and does not say why';
      }
      const grid = panel.querySelector<HTMLElement>('[role="grid"]');
      if (grid && grid.scrollWidth > grid.clientWidth + 1) {
        return `its columns need ${grid.scrollWidth} px of ${grid.clientWidth}`;
      }
      return grid?.getAttribute('aria-rowcount') === '1' ? 'a table without rows, and without a reason' : '';
    };
    return [...document.querySelectorAll<HTMLElement>('section[data-testid^="data-testid Panel header"]')].map(
      (panel) => ({
        title: panel.dataset.testid!.replace('data-testid Panel header ', ''),
        fault: faultOf(panel),
      })
    );
  });
}
