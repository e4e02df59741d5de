import { css } from '@emotion/css';
import { dateTimeFormat, type GrafanaTheme2 } from '@grafana/data';
import { Tooltip, useStyles2, useTheme2 } from '@grafana/ui';
import React, { type KeyboardEvent, type MouseEvent, useState } from 'react';

import { type Outcome, outcomes } from '../../datasource/kinds/inspections/query';
import type { HistoryRecord } from './rows';

const maxRuns = 20;
const step = 6;
const height = 22;
const width = maxRuns * step;

/** Bars grow with the severity, so that the history can be read without its colours. */
const barHeights: Record<Outcome | '', number> = {
  '': 3,
  NotSupported: 3,
  Passed: 7,
  Warning: 13,
  Error: 17,
  Failed: height,
};

interface Props {
  history: HistoryRecord[];
  /** What the history is of, for its label. */
  subject: string;
  timeZone: string;
}

/** The last runs, one bar per run, newest on the right, with the value that the check measures as a line over them. */
export function History({ history, subject, timeZone }: Props) {
  const styles = useStyles2(getStyles);
  const { visualization, colors } = useTheme2();
  const [shown, setShown] = useState<number>();
  const runs = history.slice(-maxRuns);
  if (runs.length === 0) {
    return <span className={styles.none}>–</span>;
  }

  const barColors: Record<Outcome | '', string> = {
    '': colors.text.disabled,
    NotSupported: colors.text.disabled,
    Passed: visualization.getColorByName('green'),
    Warning: visualization.getColorByName('orange'),
    Failed: visualization.getColorByName('red'),
    Error: visualization.getColorByName('purple'),
  };
  const left = (index: number) => width - (runs.length - index) * step;
  const pointAt = (event: MouseEvent<HTMLDivElement>) => {
    const x = event.clientX - event.currentTarget.getBoundingClientRect().left;
    setShown(inRange(Math.floor((x - left(0)) / step), runs.length));
  };
  const moveBy = (event: KeyboardEvent) => {
    const move = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (move !== undefined) {
      event.preventDefault();
      setShown(inRange((shown ?? runs.length - 1) + move, runs.length));
    }
  };
  const value = measuredValue(runs);
  const record = shown === undefined ? undefined : runs[Math.min(shown, runs.length - 1)];

  return (
    // The handlers are out here because Tooltip replaces those of its child. It makes the child focusable, too.
    <div
      className={styles.history}
      onMouseMove={pointAt}
      onMouseLeave={() => setShown(undefined)}
      onFocus={() => setShown(runs.length - 1)}
      onBlur={() => setShown(undefined)}
      onKeyDown={moveBy}
    >
      <Tooltip
        show={record !== undefined}
        content={record ? <RecordDetails record={record} timeZone={timeZone} /> : ''}
        placement="top"
      >
        <svg width={width} height={height} role="img" aria-label={`${subject}: ${describe(runs, timeZone)}`}>
          {runs.map(({ outcome, time }, index) => {
            const isHollow = outcome === 'Error';
            const size = barHeights[outcome];
            return (
              <rect
                key={`${time}-${index}`}
                x={left(index) + 1}
                y={height - size + (isHollow ? 0.5 : 0)}
                width={step - 2}
                height={size - (isHollow ? 1 : 0)}
                fill={isHollow ? 'none' : barColors[outcome]}
                stroke={isHollow ? barColors[outcome] : 'none'}
                opacity={shown === undefined || shown === index ? 1 : 0.45}
              />
            );
          })}
          {value && (
            <polyline
              points={linePoints(runs, value, left)}
              fill="none"
              stroke={colors.text.primary}
              strokeWidth={1}
              pointerEvents="none"
            />
          )}
        </svg>
      </Tooltip>
    </div>
  );
}

function RecordDetails({ record, timeZone }: { record: HistoryRecord; timeZone: string }) {
  const values = Object.entries(record.values);
  return (
    <>
      <div>
        <strong>{record.outcome || 'No outcome'}</strong> {dateTimeFormat(record.time, { timeZone })}
      </div>
      <div>{record.message}</div>
      {values.length > 0 && <div>{values.map(([name, value]) => `${name} = ${value}`).join(', ')}</div>}
    </>
  );
}

/** The name of the measurement to draw: the one in the newest message, because it decides the outcome. */
export function measuredValue(runs: HistoryRecord[]): string | undefined {
  const { values, message } = runs[runs.length - 1];
  const names = Object.keys(values).sort();
  return names.find((name) => message.includes(name)) ?? names[0];
}

function linePoints(runs: HistoryRecord[], value: string, left: (index: number) => number): string {
  const values = runs.map((run) => run.values[value]);
  const known = values.filter((one) => Number.isFinite(one));
  const lowest = Math.min(0, ...known);
  const span = Math.max(...known) - lowest || 1;
  return values
    .map((one, index) => [left(index) + step / 2, height - 1 - ((one - lowest) / span) * (height - 2)])
    .filter(([, y]) => Number.isFinite(y))
    .map(([x, y]) => `${x},${y.toFixed(1)}`)
    .join(' ');
}

/** The history in words: `last 12 runs: 11 Passed, 1 Failed; newest Failed at …`. */
export function describe(runs: HistoryRecord[], timeZone: string): string {
  const counts = outcomes
    .map((outcome) => ({ outcome, count: runs.filter((run) => run.outcome === outcome).length }))
    .filter(({ count }) => count > 0)
    .map(({ outcome, count }) => `${count} ${outcome}`);
  const newest = runs[runs.length - 1];
  const title = runs.length === 1 ? 'last run' : `last ${runs.length} runs`;
  return `${title}: ${counts.join(', ')}; newest ${newest.outcome} at ${dateTimeFormat(newest.time, { timeZone })}`;
}

function inRange(index: number, length: number): number {
  return Math.min(Math.max(index, 0), length - 1);
}

const getStyles = (theme: GrafanaTheme2) => ({
  history: css({
    width,
    svg: { display: 'block' },
    'svg:focus-visible': { outline: `2px solid ${theme.colors.primary.border}`, outlineOffset: 1 },
  }),
  none: css({ color: theme.colors.text.disabled }),
});
