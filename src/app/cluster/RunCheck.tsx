import { dateTimeFormatTimeAgo } from '@grafana/data';
import { Button, Text } from '@grafana/ui';
import React from 'react';

import type { InspectionRow } from '../../panels/inspections/rows';
import { isPending } from '../../panels/inspections/runs';
import type { RunControls } from '../../panels/inspections/useRuns';

export interface RunsOfChecks extends RunControls {
  /** Whether the rows are all inspections that the cluster has. */
  areKnown: boolean;
  /** Why an inspection cannot be run now; empty when it can. */
  blockedBecause: (row: InspectionRow) => string;
}

/** The button that runs the inspection which tells more, with how it ended last. A finding may name none. */
export function RunCheck({ check, runs }: { check: string; runs: RunsOfChecks }) {
  const row = runs.rows.find((candidate) => candidate.check === check);
  if (check === '') {
    return null;
  }
  if (!row) {
    const reason = runs.areKnown ? 'this cluster does not have it.' : 'whether this cluster has it is not known.';
    return <Text color="secondary">{`The inspection ${check} would tell more: ${reason}`}</Text>;
  }
  const blocked = runs.blockedBecause(row);
  return (
    <>
      <Button
        size="sm"
        icon="play"
        disabled={blocked !== ''}
        tooltip={blocked || `Runs ${check} immediately.`}
        onClick={() => runs.run([row])}
      >
        {`Run ${check}`}
      </Button>
      <span role="status">
        <Text color="secondary">{stateOf(row, runs)}</Text>
      </span>
    </>
  );
}

/** How the run of an inspection goes, or how its last one ended. */
function stateOf(row: InspectionRow, { runOf }: RunsOfChecks): string {
  const run = runOf(row.key);
  if (run?.phase === 'failed') {
    return run.message;
  }
  if (isPending(run)) {
    return run?.phase === 'waiting' && run.state === 'running' ? 'running …' : 'queued …';
  }
  return row.lastRun === undefined
    ? 'It has not run yet.'
    : `${row.outcome} ${dateTimeFormatTimeAgo(row.lastRun)}: ${row.message}`;
}
