import type { AppPluginMeta, PluginConfigPageProps } from '@grafana/data';
import { getBackendSrv, getDataSourceSrv } from '@grafana/runtime';
import { Alert, Button, LinkButton, Stack, Text } from '@grafana/ui';
import React, { useState } from 'react';
import { lastValueFrom } from 'rxjs';

import { datasourceType } from '../ids';
import { addDatasourceAddress, editDatasourceAddress, fleetAddress } from './paths';

export type ConfigurationProps = PluginConfigPageProps<AppPluginMeta>;

/** The app's page under Plugins: switching it on, and what comes next. */
export default function Configuration({ plugin: { meta } }: ConfigurationProps) {
  return (
    <Stack direction="column" gap={2} alignItems="flex-start">
      <Text element="h2" variant="h4">
        {meta.enabled ? 'etcd Fleet is enabled' : 'Enable etcd Fleet'}
      </Text>
      {meta.enabled ? <NextSteps /> : <EnableApp meta={meta} />}
    </Stack>
  );
}

function EnableApp({ meta }: { meta: AppPluginMeta }) {
  const [error, setError] = useState<string>();
  const enable = async () => {
    try {
      await lastValueFrom(
        getBackendSrv().fetch({
          url: `/api/plugins/${meta.id}/settings`,
          method: 'POST',
          data: { enabled: true, pinned: true, jsonData: meta.jsonData },
          showErrorAlert: false,
        })
      );
      // The navigation and the list of datasource types are rebuilt with the page.
      window.location.reload();
    } catch {
      setError('Grafana refused: it needs the role Admin, or the app is set by provisioning.');
    }
  };

  return (
    <>
      <Text color="secondary">
        It brings its pages, its dashboards, the etcd Fleet datasource and the inspections panel.
      </Text>
      <Button icon="check" onClick={() => void enable()}>
        Enable
      </Button>
      {error && <Alert severity="error" title={error} onRemove={() => setError(undefined)} />}
    </>
  );
}

function NextSteps() {
  const datasources = getDataSourceSrv().getList({ pluginId: datasourceType });
  if (datasources.length === 0) {
    return (
      <>
        <Text color="secondary">
          Next, add a datasource: the address of Thanos query, then each region’s API server with a token. Save & test
          says what is missing.
        </Text>
        <LinkButton icon="plus" href={addDatasourceAddress()}>
          Add an etcd Fleet datasource
        </LinkButton>
      </>
    );
  }
  return (
    <>
      <Text color="secondary">The fleet page shows the health of each region and leads to the dashboards.</Text>
      <Stack wrap="wrap">
        <LinkButton icon="arrow-right" href={fleetAddress()}>
          Open the fleet
        </LinkButton>
        {datasources.map(({ uid, name }) => (
          <LinkButton key={uid} variant="secondary" icon="cog" href={editDatasourceAddress(uid)}>
            {`Configure ${name}`}
          </LinkButton>
        ))}
        <LinkButton variant="secondary" icon="plus" href={addDatasourceAddress()}>
          Add another datasource
        </LinkButton>
      </Stack>
    </>
  );
}
