import {
  EventBusSrv,
  getPanelOptionsWithDefaults,
  getTimeZone,
  type PanelData,
  type PanelPlugin,
  PluginContextProvider,
  type ScopedVars,
  useFieldOverrides,
} from '@grafana/data';
import { getPluginImportUtils } from '@grafana/runtime';
import { ErrorBoundaryAlert, useTheme2 } from '@grafana/ui';
import React, { useCallback, useEffect, useMemo, useState } from 'react';

import type { PanelModel } from './model';
import { fillIn, type PageVariables } from './variables';

interface Props {
  model: PanelModel;
  data: PanelData;
  variables: PageVariables;
  /** Pixels. */
  width: number;
  height: number;
}

/**
 * A panel of a dashboard, drawn by its own plugin. Grafana's PanelRenderer does the same, but fills in no variables of links
 * that a page has.
 */
export function PluginPanel({ model, data, variables, width, height }: Props) {
  const plugin = usePlugin(model.type);
  const theme = useTheme2();
  const timeZone = getTimeZone();
  const { options, fieldConfig } = useMemo(() => {
    const currentFieldConfig = model.fieldConfig ?? { defaults: {}, overrides: [] };
    const current = { currentOptions: model.options ?? {}, currentFieldConfig, isAfterPluginChange: false };
    return plugin
      ? getPanelOptionsWithDefaults({ plugin, ...current })
      : { options: {}, fieldConfig: currentFieldConfig };
  }, [plugin, model]);
  const replace = useCallback(
    (text: string, scopedVars?: ScopedVars) => fillIn(text, variables, scopedVars?.__dataContext),
    [variables]
  );
  const drawn = useFieldOverrides(plugin, fieldConfig, data, timeZone, theme, replace);
  const [eventBus] = useState(() => new EventBusSrv());
  const Panel = plugin?.panel;
  if (!Panel || !drawn) {
    return null;
  }
  return (
    <ErrorBoundaryAlert dependencies={[data]}>
      <PluginContextProvider meta={plugin.meta}>
        <Panel
          id={1}
          title={model.title}
          data={drawn}
          timeRange={data.timeRange}
          timeZone={timeZone}
          options={options}
          fieldConfig={fieldConfig}
          transparent={false}
          width={width}
          height={height}
          renderCounter={0}
          replaceVariables={replace}
          eventBus={eventBus}
          onOptionsChange={ignore}
          onFieldConfigChange={ignore}
          onChangeTimeRange={ignore}
        />
      </PluginContextProvider>
    </ErrorBoundaryAlert>
  );
}

/** Nobody edits a panel on a page. */
const ignore = () => undefined;

/** A panel's plugin; undefined while it is loaded. A plugin that cannot be loaded fails the page. */
function usePlugin(id: string): PanelPlugin | undefined {
  const [plugin, setPlugin] = useState(() => getPluginImportUtils().getPanelPluginFromCache(id));
  const [failure, setFailure] = useState<Error>();
  useEffect(() => {
    let isGone = false;
    getPluginImportUtils()
      .importPanelPlugin(id)
      .then((loaded) => !isGone && setPlugin(loaded))
      .catch(
        (error: unknown) => !isGone && setFailure(new Error(`The panel ${id} cannot be loaded: ${String(error)}`))
      );
    return () => {
      isGone = true;
    };
  }, [id]);
  if (failure) {
    throw failure;
  }
  return plugin;
}
