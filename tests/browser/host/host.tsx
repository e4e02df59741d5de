/**
 * Replaces Grafana's front end in the browser tests. It loads the built plugins as AMD modules with the shared
 * libraries of the real packages, and provides the Grafana services that they use.
 */
import * as emotionCss from '@emotion/css';
import * as grafanaData from '@grafana/data';
import {
  applyFieldOverrides,
  createTheme,
  dataLinksOverrideProcessor,
  type DataQueryRequest,
  dateTime,
  EventBusSrv,
  type FieldConfigSource,
  getPanelOptionsWithDefaults,
  LoadingState,
  type PanelData,
  type PanelPlugin,
  type PanelProps,
  standardEditorsRegistry,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
} from '@grafana/data';
import * as grafanaRuntime from '@grafana/runtime';
import type { DataQuery } from '@grafana/schema';
import * as grafanaUi from '@grafana/ui';
import React, { type ComponentType, type ReactNode, useEffect, useState } from 'react';
import * as reactDom from 'react-dom';
import { createRoot } from 'react-dom/client';
import * as reactRouter from 'react-router-dom-v5-compat';
import * as rxjs from 'rxjs';
import { lastValueFrom } from 'rxjs';

import { appId, inspectionsPanelType } from '../../../src/ids.ts';
import { loadAmdModule } from './amd.ts';
import { backendSrv, dataSourceSrv, templateSrv } from './services.ts';
import { named, stockPanel } from './stockPanel.tsx';

/** Settings that tests make before they mount a plugin. */
export interface HostSettings {
  theme: 'dark' | 'light';
  role: 'Viewer' | 'Editor' | 'Admin';
  datasources: Array<{ uid: string; name: string }>;
}

export interface PanelSettings {
  targets: Array<Record<string, unknown>>;
  options?: Record<string, unknown>;
  fieldConfig?: FieldConfigSource;
  width?: number;
  height?: number;
}

declare global {
  interface Window {
    mountPanel: (settings: PanelSettings) => Promise<void>;
    mountConfigEditor: (settings: Record<string, unknown>) => Promise<void>;
    mountQueryEditor: (query: Record<string, unknown>, editor: 'query' | 'variable') => Promise<void>;
    mountApp: (path: string) => Promise<void>;
    /** The last value that the mounted editor reported. */
    edited: unknown;
    /** How often the mounted query editor has run its query. */
    queryRuns: number;
    hostSettings: HostSettings;
  }
}

/** Grafana's frame of a plugin's page. */
const PluginPage = ({ children, subTitle, pageNav }: grafanaRuntime.PluginPageProps) => (
  <main>
    {pageNav && <h1>{pageNav.text}</h1>}
    <div>{subTitle}</div>
    {children}
  </main>
);

const sharedLibraries = {
  '@emotion/css': emotionCss,
  '@grafana/data': grafanaData,
  '@grafana/runtime': { ...grafanaRuntime, PluginPage },
  '@grafana/ui': grafanaUi,
  react: React,
  'react-dom': reactDom,
  'react-router': reactRouter,
  rxjs,
};

const settings = window.hostSettings;
const theme = createTheme({ colors: { mode: settings.theme } });

const load = <T,>(folder: string) =>
  loadAmdModule<{ plugin: T }>(`/public/plugins/${appId}${folder}/module.js`, sharedLibraries).then(
    ({ plugin }) => plugin
  );

/** The one standard field option that the inspections panel keeps. */
const dataLinks: grafanaData.FieldConfigPropertyItem = {
  id: 'links',
  path: 'links',
  name: 'Data links',
  editor: () => null,
  override: () => null,
  process: dataLinksOverrideProcessor,
  shouldApply: () => true,
  settings: {},
};

/** What a panel says without data. Grafana drops options that are not registered. */
const noValue: grafanaData.FieldConfigPropertyItem = {
  ...dataLinks,
  ...{ id: 'noValue', path: 'noValue', name: 'No value' },
  process: (value: unknown) => value,
};

startServices();

function startServices() {
  grafanaRuntime.config.theme2 = theme;
  grafanaRuntime.setBackendSrv(backendSrv);
  grafanaRuntime.setTemplateSrv(templateSrv);
  grafanaRuntime.setDataSourceSrv(dataSourceSrv(settings.datasources, () => load('/datasource')));
  grafanaRuntime.setAppEvents(new EventBusSrv());
  grafanaRuntime.setPluginImportUtils({ getPanelPluginFromCache: () => undefined, importPanelPlugin });
  standardTransformersRegistry.setInit(() =>
    // Some are listed under an older name, too.
    [...new Set(Object.values(standardTransformers))].map((transformation) => ({
      ...{ id: transformation.id, name: transformation.name, transformation, editor: () => null },
      ...{ imageDark: '', imageLight: '' },
    }))
  );
  // Panels look up option editors by name when they are loaded. None is rendered here.
  standardEditorsRegistry.setInit(() =>
    ['boolean', 'multi-select', 'number'].map((id) => ({ id, name: id, editor: () => null }))
  );
  standardFieldConfigEditorRegistry.setInit(() => [dataLinks, noValue]);
}

async function importPanelPlugin(id: string): Promise<PanelPlugin> {
  return id === inspectionsPanelType ? named(id, await load<PanelPlugin>('/panels/inspections')) : stockPanel(id);
}

function mount(content: ReactNode, path = '/') {
  createRoot(document.getElementById('root')!).render(
    <grafanaData.ThemeContext.Provider value={theme}>
      <grafanaUi.GlobalStyles />
      <reactRouter.MemoryRouter
        initialEntries={[path]}
        future={{ v7_startTransition: true, v7_relativeSplatPath: true }}
      >
        {content}
        <grafanaUi.PortalContainer />
      </reactRouter.MemoryRouter>
    </grafanaData.ThemeContext.Provider>
  );
}

window.mountPanel = async (panel) => {
  const plugin = await load<PanelPlugin>('/panels/inspections');
  mount(<PanelHost plugin={plugin} settings={panel} />);
};

window.mountConfigEditor = async (initial) => {
  const { components } = await load<grafanaData.DataSourcePlugin<grafanaData.DataSourceApi>>('/datasource');
  mount(
    <Edited
      initial={initial}
      editor={components.ConfigEditor!}
      propsFor={(options, onOptionsChange) => ({ options, onOptionsChange })}
    />
  );
};

window.mountQueryEditor = async (query, kind) => {
  const plugin = await load<grafanaData.DataSourcePlugin<grafanaData.DataSourceApi>>('/datasource');
  const datasource = await grafanaRuntime.getDataSourceSrv().get(settings.datasources[0].uid);
  const custom = datasource.variables as grafanaData.CustomVariableSupport<grafanaData.DataSourceApi>;
  window.queryRuns = 0;
  const onRunQuery = () => {
    window.queryRuns += 1;
  };
  mount(
    <Edited
      initial={query}
      editor={kind === 'query' ? plugin.components.QueryEditor! : custom.editor}
      propsFor={(value, onChange) => ({ datasource, query: value, onChange, onRunQuery })}
    />
  );
};

window.mountApp = async (path) => {
  const { root: Root } = await load<grafanaData.AppPlugin>('');
  const App = Root as ComponentType<Partial<grafanaData.AppRootProps>>;
  mount(
    <reactRouter.Routes>
      <reactRouter.Route path={`/a/${appId}/*`} element={<App />} />
    </reactRouter.Routes>,
    path
  );
};

/** Keeps the edited value, as Grafana's pages do. */
function Edited({
  initial,
  editor,
  propsFor,
}: {
  initial: unknown;
  // Grafana's editors have props of many types. The tests check the edited value only.
  editor: ComponentType<any>;
  propsFor: (value: unknown, onChange: (value: unknown) => void) => object;
}) {
  const [value, setValue] = useState(initial);
  useEffect(() => {
    window.edited = value;
  }, [value]);
  return React.createElement(editor, propsFor(value, setValue));
}

function PanelHost({ plugin, settings: panel }: { plugin: PanelPlugin; settings: PanelSettings }) {
  const [data, setData] = useState<PanelData>();
  const fieldConfig = panel.fieldConfig ?? { defaults: {}, overrides: [] };

  useEffect(() => {
    const refresh = () => void runQueries(plugin, panel.targets, fieldConfig).then(setData);
    refresh();
    // As a dashboard of Grafana 12 does.
    Object.assign(window, { __grafanaSceneContext: { state: { $timeRange: { onRefresh: refresh } } } });
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, []);

  if (!data) {
    return null;
  }
  const { width = 1200, height = 500 } = panel;
  const props: PanelProps = {
    id: 1,
    data,
    timeRange: data.timeRange,
    timeZone: 'utc',
    options: getPanelOptionsWithDefaults({
      plugin,
      currentOptions: panel.options ?? {},
      currentFieldConfig: fieldConfig,
      isAfterPluginChange: false,
    }).options,
    transparent: false,
    width,
    height,
    fieldConfig,
    renderCounter: 0,
    title: 'Inspections',
    eventBus: new EventBusSrv(),
    onOptionsChange: () => undefined,
    onFieldConfigChange: () => undefined,
    replaceVariables: (text) => text,
    onChangeTimeRange: () => undefined,
  };
  const Panel = plugin.panel!;
  return (
    <div style={{ width, height, background: theme.colors.background.primary }}>
      <Panel {...props} />
    </div>
  );
}

async function runQueries(plugin: PanelPlugin, targets: PanelSettings['targets'], fieldConfig: FieldConfigSource) {
  const to = dateTime();
  const from = dateTime(to).subtract(1, 'hour');
  const timeRange = { from, to, raw: { from: 'now-1h', to: 'now' } };
  const request: DataQueryRequest = {
    app: 'dashboard',
    requestId: 'panel',
    interval: '15s',
    intervalMs: 15_000,
    maxDataPoints: 500,
    range: timeRange,
    scopedVars: {},
    targets: targets as unknown as DataQuery[],
    timezone: 'utc',
    startTime: Date.now(),
  };
  const answers = await Promise.all(
    request.targets.map(async (target) => {
      const datasource = await grafanaRuntime.getDataSourceSrv().get(target.datasource);
      return lastValueFrom(
        datasource.query({ ...request, targets: [target] }) as rxjs.Observable<grafanaData.DataQueryResponse>
      );
    })
  );
  const errors = answers.flatMap((answer) => answer.errors ?? []);
  const series = applyFieldOverrides({
    data: answers.flatMap((answer) => answer.data.map((frame) => grafanaData.toDataFrame(frame))),
    fieldConfig,
    fieldConfigRegistry: plugin.fieldConfigRegistry,
    replaceVariables: fillIn,
    theme,
    timeZone: 'utc',
  });
  return { series, errors, state: errors.length > 0 ? LoadingState.Error : LoadingState.Done, request, timeRange };
}

/** Fills in `${__data.fields.x}` of data links. */
function fillIn(text: string, scopedVars?: grafanaData.ScopedVars): string {
  const context = scopedVars?.__dataContext?.value as { frame?: grafanaData.DataFrame; rowIndex?: number } | undefined;
  return text.replace(/\$\{__data\.fields\.(\w+)\}/g, (_, name) =>
    String(context?.frame?.fields.find((field) => field.name === name)?.values[context.rowIndex ?? 0] ?? '')
  );
}
