import { DataSourcePlugin } from '@grafana/data';

import { ConfigEditor } from './config/ConfigEditor';
import { FleetDatasource } from './datasource';
import { QueryEditor } from './editors/QueryEditor';
import type { FleetQuery } from './kinds';
import type { FleetOptions, FleetSecrets } from './settings';

// Grafana loads a nested plugin from an address of its own, where lazy chunks are not found: all is in this one file.
export const plugin = new DataSourcePlugin<FleetDatasource, FleetQuery, FleetOptions, FleetSecrets>(FleetDatasource)
  .setConfigEditor(ConfigEditor)
  .setQueryEditor(QueryEditor);
