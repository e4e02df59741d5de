import { css } from '@emotion/css';
import { useStyles2 } from '@grafana/ui';
import React, { useEffect, useRef, useState } from 'react';

import type { InspectionRow } from './rows';
import { isPending, type Run } from './runs';

interface Props {
  rows: InspectionRow[];
  runOf: (key: string) => Run | undefined;
}

/** Tells screen readers how the runs of this panel ended; errors announce themselves in the table. */
export function RunAnnouncer({ rows, runOf }: Props) {
  const styles = useStyles2(getStyles);
  const [text, setText] = useState('');
  const pending = useRef(new Set<string>());

  useEffect(() => {
    const ended = rows.filter(({ key }) => pending.current.has(key) && runOf(key) === undefined);
    pending.current = new Set(rows.map(({ key }) => key).filter((key) => isPending(runOf(key))));
    if (ended.length > 0) {
      setText(ended.map(({ check, cluster, outcome }) => `${check} on ${cluster}: ${outcome}`).join(', '));
    }
  }, [rows, runOf]);

  return (
    <div className={styles.hidden} role="status" aria-live="polite">
      {text}
    </div>
  );
}

const getStyles = () => ({
  hidden: css({ position: 'absolute', width: 1, height: 1, overflow: 'hidden', clip: 'rect(0 0 0 0)' }),
});
