import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Alert, LoadingPlaceholder, Stack, Text, TextLink, useStyles2 } from '@grafana/ui';
import React from 'react';

import { type Finding, toFindings } from '../diagnosis/findings';
import { SeverityBadge } from '../diagnosis/SeverityBadge';
import { Since } from '../diagnosis/Since';
import { useAnswer } from '../panels/useAnswer';
import type { PageVariables } from '../panels/variables';
import { clusterAddress, regionsDashboardAddress } from '../paths';
import { worstNow } from './panels';

/** As many as fit on the first screen. */
const shown = 8;

/** The clusters of a datasource that are hurt, the worst first, each with what is wrong. */
export function WorstNow({ variables }: { variables: PageVariables }) {
  const styles = useStyles2(getStyles);
  const answer = useAnswer(worstNow, variables);
  if (!answer) {
    return <LoadingPlaceholder text="Looking for clusters that are hurt …" />;
  }
  const hurt = answer.frames.flatMap(toFindings);
  return (
    <Stack direction="column" gap={1}>
      {answer.error && <Alert severity="error" title={answer.error} bottomSpacing={0} />}
      {answer.notices.map((notice) => (
        <Alert key={notice} severity="warning" title={notice} bottomSpacing={0} />
      ))}
      {!answer.error && hurt.length === 0 && <Text>No cluster is known to be hurt.</Text>}
      <ul className={styles.clusters} aria-label="Worst now">
        {hurt.slice(0, shown).map((finding) => (
          <HurtRow key={`${finding.region}/${finding.cluster}`} of={finding} datasource={variables.datasource} />
        ))}
      </ul>
      {hurt.length > shown && (
        <TextLink href={regionsDashboardAddress(variables.datasource)}>
          {`${hurt.length - shown} more: all regions`}
        </TextLink>
      )}
    </Stack>
  );
}

function HurtRow({ of, datasource }: { of: Finding; datasource: string }) {
  const styles = useStyles2(getStyles);
  return (
    <li className={styles.cluster}>
      <SeverityBadge severity={of.severity} />
      <Stack direction="column" gap={0}>
        <TextLink href={clusterAddress(datasource, of)} inline={false}>
          {`${of.region} / ${of.cluster}`}
        </TextLink>
        {of.since !== null && <Since time={of.since} />}
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
    overflowWrap: 'anywhere',
  }),
});
