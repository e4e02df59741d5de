import { getDataSourceSrv, PluginPage } from '@grafana/runtime';
import { EmptyState, Stack } from '@grafana/ui';
import React from 'react';
import { useLocation, useNavigate } from 'react-router';

import { datasourceType } from '../../ids';
import { clusterRoute } from '../../links/addresses';
import { NoDatasource } from '../NoDatasource';
import { type ClusterName, clusterQuery } from '../paths';
import { ClusterChooser } from './ClusterChooser';
import { ClusterView } from './ClusterView';

/** One cluster: what is wrong with it, and what to do now. Its address says which: `?datasource=&region=&cluster=`. */
export default function ClusterPage() {
  const navigate = useNavigate();
  const asked = new URLSearchParams(useLocation().search);
  const [region, cluster] = [asked.get('region') ?? '', asked.get('cluster') ?? ''];
  const datasources = getDataSourceSrv().getList({ pluginId: datasourceType });
  // With one datasource there is nothing to choose.
  const datasource = asked.get('datasource') ?? (datasources.length === 1 ? datasources[0].uid : '');
  const isThere = datasources.some(({ uid }) => uid === datasource);
  const choose = (uid: string, of: ClusterName) => navigate(`${clusterRoute}?${clusterQuery(uid, of)}`);

  return (
    <PluginPage
      pageNav={{ text: cluster || 'Cluster' }}
      subTitle={cluster ? `An etcd cluster of the region ${region}.` : 'One etcd cluster: what is wrong, and what now.'}
    >
      {datasources.length === 0 ? (
        <NoDatasource />
      ) : (
        <Stack direction="column" gap={2}>
          <ClusterChooser
            {...{ datasources, region, cluster }}
            datasource={isThere ? datasource : ''}
            onChoose={choose}
          />
          {!isThere && datasource !== '' && (
            <EmptyState variant="not-found" message={`There is no etcd Fleet datasource ${datasource}`} role="status">
              The address names one that was removed, or that you may not use. Choose another one above.
            </EmptyState>
          )}
          {isThere && region && cluster && (
            <ClusterView key={clusterQuery(datasource, { region, cluster })} {...{ datasource, region, cluster }} />
          )}
          {(isThere || datasource === '') && !(region && cluster) && (
            <EmptyState variant="call-to-action" message="Choose a cluster" role="status">
              {datasource === ''
                ? 'Choose the datasource, then the region and the cluster.'
                : 'Choose the region and the cluster above. The Fleet page lists the clusters that are hurt.'}
            </EmptyState>
          )}
        </Stack>
      )}
    </PluginPage>
  );
}
