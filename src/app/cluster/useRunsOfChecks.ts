import { useEffect, useMemo, useRef } from 'react';

import { blockedReason } from '../../panels/inspections/blockedReason';
import { defaultOptions } from '../../panels/inspections/options';
import { isInspectionsFrame, toRows } from '../../panels/inspections/rows';
import { isPending } from '../../panels/inspections/runs';
import { usePermissions } from '../../panels/inspections/usePermissions';
import { useRuns } from '../../panels/inspections/useRuns';
import type { Answer } from '../panels/ask';
import type { RunsOfChecks } from './RunCheck';

/** Runs a cluster's inspections by the names of their checks, as the inspections panel does. */
export function useRunsOfChecks(inspected: Answer | undefined, datasource: string, onEnd: () => void): RunsOfChecks {
  const known = useMemo(
    () => (inspected?.frames ?? []).filter(isInspectionsFrame).flatMap((frame) => toRows(frame, datasource)),
    [inspected, datasource]
  );
  const { rows, runOf, run, dismiss } = useRuns(known, defaultOptions.runTimeoutSeconds);
  const uids = useMemo(() => [datasource], [datasource]);
  const permission = usePermissions(uids, inspected)[datasource];

  const pending = rows.filter(({ key }) => isPending(runOf(key))).length;
  const before = useRef(0);
  useEffect(() => {
    if (pending < before.current) {
      onEnd();
    }
    before.current = pending;
  }, [pending, onEnd]);

  return {
    ...{ rows, runOf, run, dismiss },
    areKnown: inspected !== undefined && inspected.error === undefined,
    blockedBecause: (row) => blockedReason(row, permission, runOf(row.key)),
  };
}
