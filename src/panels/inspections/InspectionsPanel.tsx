import { css } from '@emotion/css';
import { dateTimeFormatTimeAgo, type GrafanaTheme2, LoadingState, type PanelProps } from '@grafana/data';
import { Button, EmptyState, Icon, useStyles2 } from '@grafana/ui';
import React, { useEffect, useMemo, useRef, useState } from 'react';

import type { Outcome } from '../../datasource/kinds/inspections/query';
import { blockedReason } from './blockedReason';
import { emptyReason } from './emptyReason';
import { InspectionsTable, type RowRuns } from './InspectionsTable';
import type { InspectionsOptions } from './options';
import { OutcomeFilter } from './OutcomeFilter';
import {
  distinctBy,
  type InspectionRow,
  isInspectionsFrame,
  type RegionTrouble,
  toRows,
  troubledRegions,
} from './rows';
import { RunAnnouncer } from './RunAnnouncer';
import { datasourceUidOf } from './source';
import { usePermissions } from './usePermissions';
import { useRuns } from './useRuns';

export function InspectionsPanel({ data, options, height, timeZone }: PanelProps<InspectionsOptions>) {
  const styles = useStyles2(getStyles);
  const frames = useMemo(() => data.series.filter(isInspectionsFrame), [data.series]);
  const panelRows = useMemo(
    () =>
      distinctBy(
        frames.flatMap((frame) => toRows(frame, datasourceUidOf(frame, data.request))),
        ({ key }) => key
      ),
    [frames, data.request]
  );
  const troubles = useMemo(() => distinctBy(frames.flatMap(troubledRegions), ({ name }) => name), [frames]);
  const { rows, runOf, run, dismiss } = useRuns(panelRows, options.runTimeoutSeconds);

  const datasourceUids = useMemo(
    () => [...new Set(panelRows.map(({ datasourceUid }) => datasourceUid).filter((uid) => uid !== undefined))],
    [panelRows]
  );
  const permissions = usePermissions(options.allowRun ? datasourceUids : [], data.series);
  const blockedBecause = (row: InspectionRow): string =>
    blockedReason(row, permissions[row.datasourceUid ?? ''], runOf(row.key));

  const [selection, setSelection] = useState<ReadonlySet<string>>(new Set());
  const [wanted, setWanted] = useState<ReadonlySet<Outcome | ''>>(new Set());
  const filtered = useMemo(
    () => (wanted.size === 0 ? rows : rows.filter(({ outcome }) => wanted.has(outcome))),
    [rows, wanted]
  );
  const selected = filtered.filter((row) => selection.has(row.key));
  const runnable = selected.filter((row) => blockedBecause(row) === '');
  const [top, topHeight] = useHeight();
  useTick(30_000);

  const empty = emptyReason(data, frames.length, rows.length);
  if (empty) {
    return data.state === LoadingState.Loading ? null : (
      <EmptyState variant="not-found" message={empty.title} hideImage={height < 320} role="status">
        {empty.remedy}
      </EmptyState>
    );
  }

  const rowRuns: RowRuns | undefined = options.allowRun
    ? { runOf, run, dismiss, blockedBecause, selection, onSelect: setSelection }
    : undefined;

  return (
    <div className={styles.panel} style={{ height }}>
      <div ref={top}>
        {troubles.map((trouble) => (
          <div key={trouble.name} className={styles.trouble} role="status">
            <Icon name={trouble.state === 'syncing' ? 'sync' : 'exclamation-triangle'} />
            {troubleText(trouble, timeZone)}
          </div>
        ))}
        <div className={styles.toolbar}>
          <OutcomeFilter rows={rows} wanted={wanted} onChange={setWanted} />
          {rowRuns && (
            <Button
              size="sm"
              icon="play"
              disabled={runnable.length === 0}
              tooltip={runSelectedTooltip(selected, runnable, blockedBecause)}
              onClick={() => {
                run(runnable);
                setSelection(new Set());
              }}
            >
              {`Run selected (${selected.length})`}
            </Button>
          )}
        </div>
      </div>
      {filtered.length === 0 ? (
        <EmptyState variant="completed" message="No inspection ended like that" hideImage role="status">
          <Button variant="secondary" size="sm" onClick={() => setWanted(new Set())}>
            Show all {rows.length}
          </Button>
        </EmptyState>
      ) : (
        <InspectionsTable
          rows={filtered}
          columnIds={options.columns}
          showHistory={options.showHistory}
          compact={options.compact}
          height={Math.max(height - topHeight, 80)}
          timeZone={timeZone}
          runs={rowRuns}
        />
      )}
      <RunAnnouncer rows={rows} runOf={runOf} />
    </div>
  );
}

// Never empty: a button that gains or loses its tooltip is another element, and the focus would be lost with the old.
function runSelectedTooltip(
  selected: InspectionRow[],
  runnable: InspectionRow[],
  blockedBecause: (row: InspectionRow) => string
): string {
  if (selected.length === 0) {
    return 'Select the inspections to run.';
  }
  const blocked = selected.find((row) => blockedBecause(row) !== '');
  if (runnable.length === 0 && blocked) {
    return blockedBecause(blocked);
  }
  return blocked ? `Runs ${runnable.length} of them: the others cannot be run now.` : 'Runs the selected inspections.';
}

function troubleText({ name, state, since, error }: RegionTrouble, timeZone: string): string {
  const age = since === undefined ? '' : ` for ${dateTimeFormatTimeAgo(since, { timeZone }).replace(/ ago$/, '')}`;
  switch (state) {
    case 'stale':
      return `Region ${name} has not been reachable${age}: its rows are what was seen last. ${error}`;
    case 'syncing':
      return `Region ${name} is still being read: more rows follow.`;
    case 'failed':
      return `Region ${name} was never reached: its inspections are missing here. ${error}`;
  }
}

/** Redraws the panel periodically, so that `3 minutes ago` stays true. */
function useTick(milliseconds: number): void {
  const [, setTicks] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setTicks((ticks) => ticks + 1), milliseconds);
    return () => clearInterval(timer);
  }, [milliseconds]);
}

/** The height of an element as it changes, in pixels. */
function useHeight(): [React.RefObject<HTMLDivElement>, number] {
  const element = useRef<HTMLDivElement>(null);
  const [height, setHeight] = useState(0);
  useEffect(() => {
    if (!element.current) {
      return;
    }
    const observer = new ResizeObserver(([{ target }]) => setHeight(target.clientHeight));
    observer.observe(element.current);
    return () => observer.disconnect();
  });
  return [element, height];
}

const getStyles = (theme: GrafanaTheme2) => ({
  panel: css({ display: 'flex', flexDirection: 'column', overflow: 'hidden' }),
  trouble: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    padding: theme.spacing(0.5, 1),
    marginBottom: theme.spacing(1),
    borderLeft: `3px solid ${theme.colors.warning.border}`,
    background: theme.colors.warning.transparent,
    color: theme.colors.text.primary,
    fontSize: theme.typography.bodySmall.fontSize,
  }),
  toolbar: css({
    display: 'flex',
    flexWrap: 'wrap',
    justifyContent: 'space-between',
    alignItems: 'center',
    gap: theme.spacing(1),
    paddingBottom: theme.spacing(1),
  }),
});
