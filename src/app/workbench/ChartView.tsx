import { css, cx } from '@emotion/css';
import type { GrafanaTheme2 } from '@grafana/data';
import { useStyles2 } from '@grafana/ui';
import React from 'react';

import { type Chart, chartRules, type Shape, shapesOf } from '../../../slo/calibrate/plot.ts';

const size = { width: 1000, height: 220 };

/** A chart in the theme's colours. */
export function ChartView({ chart }: { chart: Chart }) {
  const colours = useStyles2(getStyles);
  return (
    <svg
      className={cx('chart', colours)}
      viewBox={`0 0 ${size.width} ${size.height}`}
      role="img"
      aria-label={chart.label}
    >
      <style>{chartRules}</style>
      {shapesOf(chart, size).map((shape, index) => (
        <ShapeView key={index} shape={shape} />
      ))}
    </svg>
  );
}

function ShapeView({ shape }: { shape: Shape }) {
  switch (shape.shape) {
    case 'rect': {
      const { x, y, width, height, name, title } = shape;
      return (
        <rect className={name} x={x} y={y} width={width} height={height}>
          <title>{title}</title>
        </rect>
      );
    }
    case 'path':
      return (
        <path className={shape.name} d={shape.d}>
          {shape.title && <title>{shape.title}</title>}
        </path>
      );
    case 'circle':
      return <circle className={shape.name} cx={shape.cx} cy={shape.cy} r={shape.r} />;
    case 'text':
      return (
        <text className={shape.name} x={shape.x} y={shape.y} textAnchor={shape.anchor}>
          {shape.text}
        </text>
      );
  }
}

const getStyles = ({ colors, visualization }: GrafanaTheme2) => {
  const lines = ['blue', 'orange', 'green', 'purple'].map(
    (name, index) => `--c${index}: ${visualization.getColorByName(name)};`
  );
  return css(`
    width: 100%;
    --text: ${colors.text.primary};
    --weak: ${colors.text.secondary};
    --grid: ${colors.border.weak};
    --incident: ${colors.warning.transparent};
    --firing: ${colors.error.text};
    --recorded: ${visualization.getColorByName('purple')};
    ${lines.join('\n')}
  `);
};
