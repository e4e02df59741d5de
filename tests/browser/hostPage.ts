import { type ConsoleMessage, expect, type Page, type Route, test as base } from '@playwright/test';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';

import { appId, datasourceType, datasourceUid } from '../ids.ts';
import { buildHost } from './host/build.ts';
import type { HostSettings, PanelSettings } from './host/host.tsx';

const root = path.resolve(import.meta.dirname, '../..');
const pluginAddress = `/public/plugins/${appId}/`;
const iconAddress = '/public/build/img/icons/';
const icons = path.join(root, 'node_modules/@grafana/ui/dist/public/img/icons');

/** Grafana's packages do not contain its fonts. */
const always = [/Failed to decode downloaded font/];

/** Answers requests to `/api/…`. Without it they go to the server at FLEET_URL. */
export type FakeApi = (route: Route, url: URL) => Promise<void>;

export interface HostOptions extends Partial<HostSettings> {
  api?: FakeApi;
}

export interface Host {
  open: (options?: HostOptions) => Promise<Page>;
  mountPanel: (settings: PanelSettings, options?: HostOptions) => Promise<Page>;
}

/** An inspections query, as a dashboard stores it. */
export const inspectionsTarget = {
  refId: 'A',
  kind: 'inspections',
  datasource: { type: datasourceType, uid: datasourceUid },
};

/**
 * `host` opens a page that loads the built plugins as Grafana does. Each test fails if the console has messages other
 * than those that `expectedConsole` allows.
 */
export const test = base.extend<{ host: Host; expectedConsole: RegExp[] }, { hostScript: string }>({
  hostScript: [
    async ({}, use) => {
      if (!existsSync(path.join(root, 'dist/module.js'))) {
        throw new Error('The plugins are not built: run npm run build.');
      }
      await use(await buildHost());
    },
    { scope: 'worker' },
  ],

  expectedConsole: [[], { option: true }],

  host: async ({ page, hostScript, expectedConsole }, use) => {
    const written = recordConsole(page);
    const open = async (options: HostOptions = {}) => {
      const { api, ...settings } = options;
      const origin = api ? 'http://fleet.test' : fleetUrl();
      const hostSettings: HostSettings = {
        theme: 'dark',
        role: 'Editor',
        datasources: [{ uid: datasourceUid, name: 'etcd Fleet' }],
        ...settings,
      };
      await page.route(`${origin}/**`, (route) => serve(route, hostScript, hostSettings, api));
      await page.goto(`${origin}/host`);
      return page;
    };
    await use({
      open,
      mountPanel: async (panel, options) => {
        await open(options);
        await page.evaluate((settings) => window.mountPanel(settings), panel);
        return page;
      },
    });
    const unexpected = written.filter((text) => ![...always, ...expectedConsole].some((pattern) => pattern.test(text)));
    expect(unexpected, 'written to the console').toEqual([]);
  },
});

export { expect };

function fleetUrl(): string {
  const url = process.env.FLEET_URL;
  if (!url) {
    throw new Error('FLEET_URL is not set: start the lab (npm run lab) and set it to the address of fleet serve.');
  }
  return new URL(url).origin;
}

function recordConsole(page: Page): string[] {
  const written: string[] = [];
  page.on('console', (message: ConsoleMessage) => {
    if (['error', 'warning'].includes(message.type())) {
      written.push(`${message.type()}: ${message.text()} (${message.location().url})`);
    }
  });
  page.on('pageerror', (error) => written.push(`uncaught: ${error.message}`));
  return written;
}

async function serve(route: Route, hostScript: string, settings: HostSettings, api?: FakeApi): Promise<void> {
  const url = new URL(route.request().url());
  if (url.pathname === '/host') {
    return route.fulfill({ contentType: 'text/html', body: hostPage(settings) });
  }
  if (url.pathname === '/host.js') {
    return route.fulfill({ contentType: 'text/javascript', body: hostScript });
  }
  if (url.pathname.startsWith(pluginAddress)) {
    return serveFile(route, path.join(root, 'dist'), url.pathname.slice(pluginAddress.length));
  }
  if (url.pathname.startsWith(iconAddress)) {
    return serveIcon(route, url.pathname.slice(iconAddress.length));
  }
  if (!url.pathname.startsWith('/api/')) {
    return route.fulfill({ status: 204 });
  }
  return api
    ? api(route, url)
    : route.continue({ headers: { ...route.request().headers(), 'x-fleet-role': settings.role } });
}

function serveFile(route: Route, folder: string, file: string): Promise<void> {
  const full = path.join(folder, decodeURIComponent(file));
  return full.startsWith(folder) && existsSync(full)
    ? route.fulfill({ contentType: contentTypes[path.extname(full)], body: readFileSync(full) })
    : route.fulfill({ status: 404 });
}

/** Serves an icon. The package lacks some of the icons that Grafana has. */
function serveIcon(route: Route, file: string): Promise<void> {
  return existsSync(path.join(icons, file))
    ? serveFile(route, icons, file)
    : route.fulfill({ contentType: contentTypes['.svg'], body: '<svg xmlns="http://www.w3.org/2000/svg"/>' });
}

const contentTypes: Record<string, string> = { '.js': 'text/javascript', '.svg': 'image/svg+xml' };

function hostPage(settings: HostSettings): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>Plugin host</title>
<style>body { margin: 0 }</style>
<div id="root"></div>
<script>
  window.hostSettings = ${JSON.stringify(settings)};
  window.grafanaBootData = { settings: { featureToggles: {}, appSubUrl: '' }, navTree: [], user: { theme: '${settings.theme}', orgRole: '${settings.role}' } };
</script>
<script src="/host.js"></script>
</html>`;
}
