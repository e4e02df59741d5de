import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { Button, Checkbox, clearButtonStyles, IconButton, Icon, useStyles2 } from '@grafana/ui';
import React, { memo, type UIEvent, useEffect, useMemo, useRef, useState } from 'react';

import type { ColumnId } from './columnIds';
import { columns, SortIcon } from './columns';
import { History } from './History';
import type { InspectionRow } from './rows';
import { isPending, type Run } from './runs';
import { nextSorting, sorted, type Sorting } from './sorting';
import { visibleRange } from './visibleRange';

interface Props {
  rows: InspectionRow[];
  columnIds: ColumnId[];
  showHistory: boolean;
  compact: boolean;
  /** Pixels. */
  height: number;
  timeZone: string;
  /** How rows are run; without it they are only shown. */
  runs: RowRuns | undefined;
}

export interface RowRuns {
  runOf: (key: string) => Run | undefined;
  run: (rows: InspectionRow[]) => void;
  dismiss: (key: string) => void;
  /** Why a row cannot be run now; empty when it can. */
  blockedBecause: (row: InspectionRow) => string;
  selection: ReadonlySet<string>;
  onSelect: (selection: Set<string>) => void;
}

const headerHeight = 32;
const rowHeights = { compact: 32, normal: 44 };
const errorHeight = 44;
const drawnBeyondView = 400;
const widths = { selection: 36, history: 138, run: 106, message: 180 };

/** The inspections as a table that draws only the rows in view. */
export function InspectionsTable({ rows, columnIds, showHistory, compact, height, timeZone, runs }: Props) {
  const styles = useStyles2(getStyles);
  const [sorting, setSorting] = useState<Sorting>();
  const [scrollTop, setScrollTop] = useState(0);

  const ordered = useMemo(() => sorted(rows, sorting), [rows, sorting]);
  const errors = ordered.map(({ key }) => errorOf(runs?.runOf(key)));
  const rowHeight = compact ? rowHeights.compact : rowHeights.normal;
  const heights = errors.map((error) => rowHeight + (error === undefined ? 0 : errorHeight));
  const view = visibleRange(heights, scrollTop, height - headerHeight, drawnBeyondView);
  const columnCount = columnIds.length + (runs ? 2 : 0) + (showHistory ? 1 : 0);

  return (
    <div
      className={styles.scroller}
      style={{ height }}
      tabIndex={0}
      role="region"
      aria-label="Inspections"
      onScroll={(event: UIEvent<HTMLDivElement>) => setScrollTop(event.currentTarget.scrollTop)}
    >
      <table
        className={cx(styles.table, compact && styles.compact)}
        style={{ minWidth: minWidth(columnIds, showHistory, runs !== undefined) }}
        aria-rowcount={rows.length + 1}
      >
        <colgroup>
          {runs && <col style={{ width: widths.selection }} />}
          {columnIds.map((id) => (
            <col key={id} style={{ width: columns[id].width }} />
          ))}
          {showHistory && <col style={{ width: widths.history }} />}
          {runs && <col style={{ width: widths.run }} />}
        </colgroup>
        <thead>
          <tr aria-rowindex={1} style={{ height: headerHeight }}>
            {runs && (
              <th scope="col">
                <SelectAll rows={rows} runs={runs} />
              </th>
            )}
            {columnIds.map((id) => (
              <SortableHeader key={id} column={id} sorting={sorting} onSort={setSorting} />
            ))}
            {showHistory && <th scope="col">History</th>}
            {runs && (
              <th scope="col" className={styles.pinned}>
                <span className={styles.hidden}>Run</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          <Spacer height={view.before} columns={columnCount} />
          {ordered.slice(view.start, view.end).map((row, offset) => (
            <React.Fragment key={row.key}>
              <TableRow
                row={row}
                index={view.start + offset + 2}
                height={rowHeight}
                columnIds={columnIds}
                showHistory={showHistory}
                timeZone={timeZone}
                run={runs?.runOf(row.key)}
                selected={runs?.selection.has(row.key) ?? false}
                blocked={runs?.blockedBecause(row) ?? ''}
                runs={runs}
              />
              {errors[view.start + offset] !== undefined && runs && (
                <tr style={{ height: errorHeight }}>
                  <td colSpan={columnCount}>
                    <RunError row={row} message={errors[view.start + offset] ?? ''} onDismiss={runs.dismiss} />
                  </td>
                </tr>
              )}
            </React.Fragment>
          ))}
          <Spacer height={view.after} columns={columnCount} />
        </tbody>
      </table>
    </div>
  );
}

interface RowProps extends Pick<Props, 'columnIds' | 'showHistory' | 'timeZone' | 'runs'> {
  row: InspectionRow;
  index: number;
  height: number;
  run: Run | undefined;
  selected: boolean;
  blocked: string;
}

function TableRow({ row, index, height, columnIds, showHistory, timeZone, run, selected, blocked, runs }: RowProps) {
  const styles = useStyles2(getStyles);
  const subject = subjectOf(row);
  return (
    <tr aria-rowindex={index} data-selected={selected} style={{ height }}>
      {runs && (
        <td>
          <Checkbox
            value={selected}
            aria-label={`Select ${subject}`}
            onChange={() => runs.onSelect(toggled(runs.selection, row.key))}
          />
        </td>
      )}
      {columnIds.map((id) => (
        <td key={id} data-column={id}>
          <div className={styles.clamped}>{columns[id].cell(row, { run, timeZone })}</div>
        </td>
      ))}
      {showHistory && (
        <td>
          <MemoHistory history={row.history} subject={subject} timeZone={timeZone} />
        </td>
      )}
      {runs && (
        <td className={styles.pinned}>
          <Button
            size="sm"
            variant="secondary"
            icon="play"
            disabled={blocked !== ''}
            // Never empty: a button that gains or loses its tooltip is another element, and the focus would be lost.
            tooltip={blocked || `Run ${subject} now`}
            aria-label={`Run ${subject} now`}
            onClick={() => runs.run([row])}
          >
            Run now
          </Button>
        </td>
      )}
    </tr>
  );
}

/** The bars of a row change with its runs alone. */
const MemoHistory = memo(History);

function SortableHeader({
  column,
  sorting,
  onSort,
}: {
  column: ColumnId;
  sorting: Sorting | undefined;
  onSort: (sorting: Sorting | undefined) => void;
}) {
  const clearButton = useStyles2(clearButtonStyles);
  const direction = sorting?.column === column ? sorting.direction : undefined;
  return (
    <th scope="col" aria-sort={direction ?? 'none'}>
      <button type="button" className={clearButton} onClick={() => onSort(nextSorting(sorting, column))}>
        {columns[column].title} <SortIcon direction={direction} />
      </button>
    </th>
  );
}

function SelectAll({ rows, runs }: { rows: InspectionRow[]; runs: RowRuns }) {
  const selected = rows.filter(({ key }) => runs.selection.has(key)).length;
  const isAll = rows.length > 0 && selected === rows.length;
  return (
    <Checkbox
      value={isAll}
      indeterminate={selected > 0 && !isAll}
      aria-label={isAll ? 'Select none' : 'Select all'}
      onChange={() => runs.onSelect(new Set(isAll ? [] : rows.map(({ key }) => key)))}
    />
  );
}

function RunError({
  row,
  message,
  onDismiss,
}: {
  row: InspectionRow;
  message: string;
  onDismiss: (key: string) => void;
}) {
  const styles = useStyles2(getStyles);
  const element = useRef<HTMLDivElement>(null);
  // Otherwise the error below the last visible row would be out of view.
  useEffect(() => {
    const rowAbove = element.current?.closest('tr')?.previousElementSibling;
    if (rowAbove?.contains(document.activeElement)) {
      element.current?.scrollIntoView({ block: 'nearest' });
    }
  }, []);
  return (
    <div ref={element} className={styles.error} role="alert">
      <Icon name="exclamation-circle" />
      <span className={styles.clamped} title={message}>
        {subjectOf(row)} did not run: {message}
      </span>
      <IconButton
        name="times"
        aria-label={`Dismiss the error of ${subjectOf(row)}`}
        onClick={() => onDismiss(row.key)}
      />
    </div>
  );
}

function Spacer({ height, columns: span }: { height: number; columns: number }) {
  return height > 0 ? (
    <tr aria-hidden style={{ height }}>
      <td colSpan={span} />
    </tr>
  ) : null;
}

function subjectOf({ check, cluster }: InspectionRow): string {
  return `${check} on ${cluster}`;
}

function errorOf(run: Run | undefined): string | undefined {
  return run && !isPending(run) && 'message' in run ? run.message : undefined;
}

function toggled(selection: ReadonlySet<string>, key: string): Set<string> {
  const next = new Set(selection);
  return next.delete(key) ? next : next.add(key);
}

/** Below it the table scrolls sideways instead of squeezing its message. */
function minWidth(columnIds: ColumnId[], showHistory: boolean, canRun: boolean): number {
  const columnWidths = columnIds.map((id) => columns[id].width ?? widths.message);
  const extra = (showHistory ? widths.history : 0) + (canRun ? widths.selection + widths.run : 0);
  return columnWidths.reduce((sum, width) => sum + width, extra);
}

const getStyles = (theme: GrafanaTheme2) => ({
  scroller: css({
    overflow: 'auto',
    '&:focus-visible': { outline: `2px solid ${theme.colors.primary.border}`, outlineOffset: -2 },
  }),
  table: css({
    width: '100%',
    tableLayout: 'fixed',
    borderCollapse: 'separate',
    borderSpacing: 0,
    'th, td': {
      padding: theme.spacing(0, 1),
      textAlign: 'left',
      verticalAlign: 'middle',
      borderBottom: `1px solid ${theme.colors.border.weak}`,
    },
    th: {
      position: 'sticky',
      top: 0,
      // Above the checkboxes of the rows, which have a level of their own.
      zIndex: 2,
      background: theme.colors.background.primary,
      fontSize: theme.typography.bodySmall.fontSize,
      fontWeight: theme.typography.fontWeightMedium,
      whiteSpace: 'nowrap',
    },
    'th button': { font: 'inherit' },
    'tbody tr:hover': { background: theme.colors.action.hover },
    'tr[data-selected="true"]': { background: theme.colors.action.selected },
  }),
  compact: css({
    fontSize: theme.typography.bodySmall.fontSize,
    '[data-column] > div': { WebkitLineClamp: 1 },
  }),
  // The button stays in view however narrow the panel is.
  pinned: css({ position: 'sticky', right: 0, background: theme.colors.background.primary, 'th&': { zIndex: 3 } }),
  clamped: css({
    display: '-webkit-box',
    WebkitBoxOrient: 'vertical',
    WebkitLineClamp: 2,
    overflow: 'hidden',
    overflowWrap: 'anywhere',
    lineHeight: 1.3,
  }),
  error: css({
    display: 'flex',
    alignItems: 'center',
    gap: theme.spacing(1),
    color: theme.colors.error.text,
  }),
  hidden: css({ position: 'absolute', width: 1, height: 1, overflow: 'hidden', clip: 'rect(0 0 0 0)' }),
});
