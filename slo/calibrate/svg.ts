// Charts as SVG text that needs nothing else.
import { chartStyle, shapesOf, type Chart, type Shape, type Size } from './plot.ts';

export function svgText(chart: Chart, size: Size): string {
  return [
    `<svg class="chart" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" role="img" aria-label="${escaped(chart.label)}">`,
    `<style>${chartStyle}</style>`,
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
