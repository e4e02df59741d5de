// Charts as SVG text that needs nothing else.
import { chartRules, shapesOf, type Chart, type Shape, type Size } from './plot.ts';

const colours = `
.chart { --text: #24292e; --weak: #6a737d; --grid: #d8dce1; --incident: #e0a30033; --firing: #c4162a; --recorded: #7c3aed; --c0: #1f60c4; --c1: #c15c17; --c2: #1a7f4b; --c3: #8f3bb8; }
@media (prefers-color-scheme: dark) { .chart { --text: #d8d9da; --weak: #9fa7b3; --grid: #33373d; --incident: #f2cc0c33; --firing: #f2495c; --recorded: #b877d9; --c0: #6ea6ff; --c1: #ffb357; --c2: #73d19a; --c3: #ca95e5; } }`;

export function svgText(chart: Chart, size: Size): string {
  return [
    `<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${escaped(chart.label)}">`,
    `<style>${colours}${chartRules}</style>`,
    ...shapesOf(chart, size).map(elementOf),
    '</svg>',
  ].join('\n');
}

function elementOf(shape: Shape): string {
  switch (shape.shape) {
    case 'rect':
      return `<rect class="${shape.name}" x="${shape.x}" y="${shape.y}" width="${shape.width}" height="${shape.height}">${titleOf(shape.title)}</rect>`;
    case 'path':
      return `<path class="${shape.name}" d="${shape.d}">${titleOf(shape.title)}</path>`;
    case 'circle':
      return `<circle class="${shape.name}" cx="${shape.cx}" cy="${shape.cy}" r="${shape.r}">${titleOf(shape.title)}</circle>`;
    case 'text':
      return `<text class="${shape.name}" x="${shape.x}" y="${shape.y}" text-anchor="${shape.anchor}">${escaped(shape.text)}</text>`;
  }
}

const titleOf = (title: string) => (title ? `<title>${escaped(title)}</title>` : '');

export const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
