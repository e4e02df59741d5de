import { type DataSourceInstanceSettings, OrgRole } from '@grafana/data';
import { config, getDataSourceSrv, PluginPage } from '@grafana/runtime';
import { EmptyState, LinkButton, Stack, Text } from '@grafana/ui';
import React from 'react';

import { datasourceType } from '../../ids';
import { DatasourceHealth } from './DatasourceHealth';
import { addDatasourceAddress, workbenchAddress } from '../paths';

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

function NoDatasource() {
  const isAdmin = config.bootData.user.orgRole === OrgRole.Admin || config.bootData.user.isGrafanaAdmin;
  return (
    <EmptyState
      variant="call-to-action"
      message="No etcd Fleet datasource yet"
      button={
        isAdmin ? (
          <LinkButton icon="plus" href={addDatasourceAddress()}>
            Add an etcd Fleet datasource
          </LinkButton>
        ) : undefined
      }
    >
      <Text>
        {isAdmin
          ? 'It needs the address of Thanos query, and the address and a token of each region’s Kubernetes API server.'
          : 'Ask an admin of your organisation to add one: it connects Grafana to Thanos and to the regions.'}
      </Text>
    </EmptyState>
  );
}
