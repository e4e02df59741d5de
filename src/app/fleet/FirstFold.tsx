import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import React, { useMemo } from 'react';

import { DashboardPanel } from '../panels/DashboardPanel';
import type { PageVariables } from '../panels/variables';
import { answers, regions } from './panels';
import { WorstNow } from './WorstNow';

/** Who is hurt now in all regions of a datasource: what tier 1 answers before one scrolls. */
export function FirstFold({ datasourceUid }: { datasourceUid: string }) {
  const styles = useStyles2(getStyles);
  const variables = useMemo<PageVariables>(() => ({ datasource: datasourceUid }), [datasourceUid]);
  return (
    <>
      <div className={styles.answers}>
        {answers.map((model) => (
          <DashboardPanel key={model.title} model={model} variables={variables} />
        ))}
      </div>
      <WorstNow variables={variables} />
      <DashboardPanel model={regions} variables={variables} />
    </>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  answers: css({
    display: 'grid',
    gridTemplateColumns: 'repeat(auto-fit, minmax(180px, 1fr))',
    gap: theme.spacing(1),
  }),
});
