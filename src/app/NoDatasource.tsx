import { OrgRole } from '@grafana/data';
import { config } from '@grafana/runtime';
import { EmptyState, LinkButton, Text } from '@grafana/ui';
import React from 'react';

import { addDatasourceAddress } from './paths';

/** What a page shows before there is a datasource, and who can add one. */
export function NoDatasource() {
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
