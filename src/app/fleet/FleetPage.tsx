import type { DataSourceInstanceSettings } from '@grafana/data';
import { getDataSourceSrv, PluginPage } from '@grafana/runtime';
import { LinkButton, Stack } from '@grafana/ui';
import React from 'react';

import { datasourceType } from '../../ids';
import { NoDatasource } from '../NoDatasource';
import { workbenchAddress } from '../paths';
import { DatasourceHealth } from './DatasourceHealth';

/** The start page: what is wrong in each fleet, its health, and links to the dashboards. */
export function FleetPage() {
  const datasources = getDataSourceSrv().getList({ pluginId: datasourceType });
  return (
    <PluginPage subTitle="The etcd clusters under your Kubernetes clusters: who is hurt, why, and what to do now.">
      {datasources.length === 0 ? <NoDatasource /> : <Fleets datasources={datasources} />}
    </PluginPage>
  );
}

function Fleets({ datasources }: { datasources: DataSourceInstanceSettings[] }) {
  return (
    <Stack direction="column" gap={3}>
      <Stack>
        <LinkButton variant="secondary" icon="sliders-v-alt" href={workbenchAddress()}>
          SLO workbench
        </LinkButton>
      </Stack>
      {datasources.map((datasource) => (
        <DatasourceHealth key={datasource.uid} datasource={datasource} />
      ))}
    </Stack>
  );
}
