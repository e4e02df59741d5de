import { css, cx } from '@emotion/css';
import {
  dateTimeFormat,
  dateTimeFormatTimeAgo,
  formattedValueToString,
  getValueFormat,
  type GrafanaTheme2,
} from '@grafana/data';
import { Badge, clearButtonStyles, DataLinksContextMenu, Icon, Spinner, Tooltip, useStyles2 } from '@grafana/ui';
import React, { type ReactNode } from 'react';

import { type ColumnId, columnTitles } from './columnIds';
import { OutcomeBadge } from './OutcomeBadge';
import { type InspectionRow, severity } from './rows';
import type { Run } from './runs';

export interface CellContext {
  run: Run | undefined;
  timeZone: string;
}

interface Column {
  title: string;
  /** Pixels; the message takes what is left. */
  width: number | undefined;
  sortValue: (row: InspectionRow) => string | number | undefined;
  cell: (row: InspectionRow, context: CellContext) => ReactNode;
}

/** What the table needs of a column. */
export const columns: Record<ColumnId, Column> = {
  region: textColumn('region', 70),
  cluster: textColumn('cluster', 160),
  product: textColumn('product', 90),
  scene: textColumn('scene', 110),
  spec: textColumn('spec', 80),
  check: textColumn('check', 180),
  outcome: {
    title: columnTitles.outcome,
    width: 130,
    sortValue: ({ outcome }) => -severity(outcome),
    cell: ({ outcome, lastRun }) => <OutcomeBadge outcome={outcome} hasRun={lastRun !== undefined} />,
  },
  lastRun: {
    title: columnTitles.lastRun,
    width: 150,
    sortValue: ({ lastRun }) => lastRun,
    cell: ({ lastRun }, { timeZone }) => <Time time={lastRun} timeZone={timeZone} />,
  },
  duration: {
    title: columnTitles.duration,
    width: 90,
    sortValue: ({ duration }) => duration,
    cell: ({ duration }) => (duration === undefined ? '–' : formattedValueToString(getValueFormat('s')(duration, 1))),
  },
  message: {
    title: columnTitles.message,
    width: undefined,
    sortValue: ({ message }) => message,
    cell: ({ message }) => (message === '' ? '–' : <Message text={message} />),
  },
  state: {
    title: columnTitles.state,
    width: 100,
    sortValue: ({ state }) => state,
    cell: (row, { run }) => <State row={row} run={run} />,
  },
  nextRun: {
    title: columnTitles.nextRun,
    width: 115,
    sortValue: ({ nextRun }) => nextRun,
    cell: ({ nextRun }, { timeZone }) => (
      <Time
        time={nextRun}
        timeZone={timeZone}
        text={nextRun !== undefined && nextRun <= Date.now() ? 'due' : undefined}
      />
    ),
  },
};

function textColumn(id: 'region' | 'cluster' | 'product' | 'scene' | 'spec' | 'check', width: number): Column {
  return {
    title: columnTitles[id],
    width,
    sortValue: (row) => row[id],
    cell: (row) => <LinkedText row={row} column={id} text={row[id]} />,
  };
}

/** Text with the data links of its field: a single one is followed directly, several are offered as a menu. */
function LinkedText({ row, column, text }: { row: InspectionRow; column: ColumnId; text: string }) {
  const linkClass = useStyles2(getLinkStyle);
  const clearButton = useStyles2(clearButtonStyles);
  const links = row.links(column);
  if (links.length === 0) {
    return <span title={text}>{text}</span>;
  }
  if (links.length === 1) {
    const [{ href, title, target, onClick }] = links;
    return (
      <a href={href} title={title || text} target={target} rel="noreferrer" className={linkClass} onClick={onClick}>
        {text}
      </a>
    );
  }
  return (
    <DataLinksContextMenu links={() => links}>
      {({ openMenu, targetClassName }) => (
        <button type="button" className={cx(clearButton, linkClass, targetClassName)} title={text} onClick={openMenu}>
          {text}
        </button>
      )}
    </DataLinksContextMenu>
  );
}

/** A time as its distance from now, or as `text`; the full time shows on hover. */
function Time({ time, timeZone, text }: { time: number | undefined; timeZone: string; text?: string }) {
  if (time === undefined) {
    return <>–</>;
  }
  return (
    <Tooltip content={dateTimeFormat(time, { timeZone })}>
      <time dateTime={new Date(time).toISOString()}>{text ?? dateTimeFormatTimeAgo(time, { timeZone })}</time>
    </Tooltip>
  );
}

function Message({ text }: { text: string }) {
  return (
    <Tooltip content={text} interactive>
      <span>{text}</span>
    </Tooltip>
  );
}

function State({ row, run }: { row: InspectionRow; run: Run | undefined }) {
  const state =
    run === undefined || run.phase === 'failed' ? row.state : run.phase === 'waiting' ? run.state : 'asking';
  switch (state) {
    case 'idle':
      return <>idle</>;
    case 'queued':
      return (
        <Badge
          color="blue"
          icon="clock-nine"
          text="queued"
          tooltip={row.requestedBy && `Requested by ${row.requestedBy}`}
        />
      );
    case 'asking':
    case 'running':
      return (
        <>
          <Spinner inline size="sm" /> {state}
        </>
      );
  }
}

/** Marks the column by which the rows are sorted. */
export function SortIcon({ direction }: { direction: 'ascending' | 'descending' | undefined }) {
  return direction ? <Icon name={direction === 'ascending' ? 'arrow-up' : 'arrow-down'} size="sm" /> : null;
}

const getLinkStyle = (theme: GrafanaTheme2) =>
  css({ color: theme.colors.text.link, '&:hover': { textDecoration: 'underline' } });
