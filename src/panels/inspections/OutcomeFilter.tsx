import { css } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { FilterPill, useStyles2 } from '@grafana/ui';
import React from 'react';

import { type Outcome, outcomes } from '../../datasource/kinds/inspections/query';
import type { InspectionRow } from './rows';

interface Props {
  rows: InspectionRow[];
  /** Empty: every outcome. */
  wanted: ReadonlySet<Outcome | ''>;
  onChange: (wanted: Set<Outcome | ''>) => void;
}

const worstFirst: Array<Outcome | ''> = [...outcomes].reverse();

/** Offers the outcomes that there are, with how many rows have each. */
export function OutcomeFilter({ rows, wanted, onChange }: Props) {
  const styles = useStyles2(getStyles);
  const offered = [...worstFirst, '' as const]
    .map((outcome) => ({ outcome, count: rows.filter((row) => row.outcome === outcome).length }))
    .filter(({ outcome, count }) => count > 0 || wanted.has(outcome));

  const toggle = (outcome: Outcome | '') => {
    const next = new Set(wanted);
    onChange(next.delete(outcome) ? next : next.add(outcome));
  };

  return (
    <div className={styles.pills} role="group" aria-label="Filter by outcome">
      {offered.map(({ outcome, count }) => (
        <FilterPill
          key={outcome}
          label={`${outcome || 'No outcome'} ${count}`}
          selected={wanted.has(outcome)}
          onClick={() => toggle(outcome)}
        />
      ))}
    </div>
  );
}

const getStyles = (theme: GrafanaTheme2) => ({
  pills: css({ display: 'flex', flexWrap: 'wrap', gap: theme.spacing(0.5) }),
});
