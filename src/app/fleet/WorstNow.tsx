import { css } from '@emotion/css';
import { dateTimeFormat, dateTimeFormatTimeAgo, type GrafanaTheme2 } from '@grafana/data';
import { Alert, Badge, type BadgeColor, LoadingPlaceholder, Stack, Text, TextLink, useStyles2 } from '@grafana/ui';
import React, { useEffect, useState } from 'react';
import { switchMap, timer } from 'rxjs';

import { clusterDashboardAddress } from '../paths';
import { askWorst, type HurtCluster, type Worst } from './worst';

const refreshMilliseconds = 30_000;

/** What is not known is neither good nor bad. */
const colours: Record<string, BadgeColor> = { Failing: 'red', Degraded: 'orange', Unexplained: 'orange' };

/** The clusters of a datasource that are hurt, the worst first, each with what is wrong. */
export function WorstNow({ datasourceUid }: { datasourceUid: string }) {
  const styles = useStyles2(getStyles);
  const [worst, setWorst] = useState<Worst>();

  useEffect(() => {
    const asked = timer(0, refreshMilliseconds).pipe(switchMap(() => askWorst(datasourceUid)));
    const subscription = asked.subscribe(setWorst);
    return () => subscription.unsubscribe();
  }, [datasourceUid]);

  if (!worst) {
    return <LoadingPlaceholder text="Looking for clusters that are hurt …" />;
  }
  return (
    <Stack direction="column" gap={1}>
      {worst.error && <Alert severity="error" title={worst.error} bottomSpacing={0} />}
      {worst.notices.map((notice) => (
        <Alert key={notice} severity="warning" title={notice} bottomSpacing={0} />
      ))}
      {!worst.error && worst.clusters.length === 0 && <Text>No cluster is hurt.</Text>}
      <ul className={styles.clusters} aria-label="Worst now">
        {worst.clusters.map((cluster) => (
          <HurtRow key={`${cluster.region}/${cluster.cluster}`} of={cluster} datasourceUid={datasourceUid} />
        ))}
      </ul>
    </Stack>
  );
}

function HurtRow({ of, datasourceUid }: { of: HurtCluster; datasourceUid: string }) {
  const styles = useStyles2(getStyles);
  return (
    <li className={styles.cluster}>
      <Badge color={colours[of.severity] ?? 'darkgrey'} text={of.severity} />
      <Stack direction="column" gap={0}>
        <TextLink href={clusterDashboardAddress(datasourceUid, of)} inline={false}>
          {`${of.region} / ${of.cluster}`}
        </TextLink>
        {of.since !== null && (
          <span title={dateTimeFormat(of.since)}>
            <Text color="secondary">since {dateTimeFormatTimeAgo(of.since)}</Text>
          </span>
        )}
      </Stack>
      <div>
        <Text>{of.statement}</Text>
        {of.action && (
          <div>
            <Text color="secondary">{`Next: ${of.action}`}</Text>
          </div>
        )}
      </div>
    </li>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  clusters: css({ listStyle: 'none', display: 'grid', gap: theme.spacing(1) }),
  cluster: css({
    display: 'grid',
    gridTemplateColumns: '100px minmax(160px, 220px) 1fr',
    alignItems: 'start',
    gap: theme.spacing(1),
  }),
});
