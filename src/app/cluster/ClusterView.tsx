import type { DataLink } from '@grafana/data';
import { LinkButton, Stack } from '@grafana/ui';
import React, { useCallback, useMemo, useState } from 'react';
import { useLocation } from 'react-router';

import { AnsweredPanel, DashboardPanel } from '../panels/DashboardPanel';
import { withLink } from '../panels/model';
import { useAnswer } from '../panels/useAnswer';
import { clusterDashboardAddress, exploreAddress, hostsAddress, timeOf, toKubernetesAddress } from '../paths';
import type { ChosenCluster } from './chosen';
import { Diagnosis } from './Diagnosis';
import { alerts, diagnosis, inspections, kubernetes, members, objectives } from './panels';

/** What is wrong with a cluster, then its service levels, members, inspections and alerts. */
export function ClusterView({ datasource, region, cluster }: ChosenCluster) {
  const variables = useMemo(() => ({ datasource, region, cluster }), [datasource, region, cluster]);
  const firing = useMemo(() => withLink(alerts, 'alertname', alertToExplore(variables)), [variables]);
  const [version, setVersion] = useState(0);
  const askAgain = useCallback(() => setVersion((last) => last + 1), []);
  const time = timeOf(useLocation().search);
  const inspected = useAnswer(inspections, variables, version);
  return (
    <Stack direction="column" gap={2}>
      <Stack wrap="wrap">
        <LinkButton icon="apps" href={clusterDashboardAddress(datasource, variables) + time}>
          Dashboard
        </LinkButton>
        <LinkButton variant="secondary" icon="arrow-right" href={toKubernetesAddress(datasource, variables) + time}>
          Kubernetes on it
        </LinkButton>
        <LinkButton variant="secondary" icon="arrow-right" href={hostsAddress(datasource, region) + time}>
          Hosts
        </LinkButton>
      </Stack>
      <Diagnosis
        answer={useAnswer(diagnosis, variables, version)}
        inspected={inspected}
        variables={variables}
        onRunEnd={askAgain}
      />
      <DashboardPanel model={firing} variables={variables} version={version} />
      <DashboardPanel model={objectives} variables={variables} version={version} />
      <DashboardPanel model={members} variables={variables} version={version} />
      <AnsweredPanel model={inspections} variables={variables} answer={inspected} />
      <DashboardPanel model={kubernetes} variables={variables} version={version} />
    </Stack>
  );
}

/** When an alert of the cluster was pending and fired, in Explore. */
const alertToExplore = ({ datasource, region, cluster }: ChosenCluster): DataLink => ({
  title: 'Since when it fires, in Explore',
  url: '',
  onBuildUrl: ({ replaceVariables }) => {
    const matchers = { alertname: replaceVariables!('${__data.fields.alertname}'), region, cluster };
    const texts = Object.entries(matchers).map(([label, value]) => `${label}=${JSON.stringify(value)}`);
    return exploreAddress(datasource, `ALERTS{${texts.join(',')}}`);
  },
});
